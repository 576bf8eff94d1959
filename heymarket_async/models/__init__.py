"""The structs that are sent to Heymarket and read from its answers.

A write takes another struct than a read returns: `NewContact` is sent, `Contact` comes back. Every
field that is read is optional and nullable, because the documentation does not say which fields can
be null. A field that is left out of a struct to send stays out of the request, and `None` is sent
as null.

https://developers.heymarket.com/concepts/contacts
"""
