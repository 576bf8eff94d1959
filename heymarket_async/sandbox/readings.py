"""Options for behaviour that the API docs leave open."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args, get_origin, get_type_hints

NoMatch: TypeAlias = Literal["status", "null", "{}", "contact", "error", "id", "empty"]

Repeat: TypeAlias = Literal["create", "return", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One reading of the API docs: a field for every point that they leave open or contradict.

    The defaults are the likeliest reading. `Readings(inclusive=True)` is the same server with one
    difference.

    https://developers.heymarket.com/api-reference/contacts/list
    """

    # Lists of contacts
    newest_first: bool = True
    """Whether `POST /v1/contacts` starts at the newest `updated`.

    `date` follows the order: updated before it when newest first, after it when oldest first."""
    honours_ascending: bool = True
    """Whether v1 lists apply `ascending`, which has a type but no description."""
    inclusive: bool = False
    """Whether lists of v1 and v2 hold things whose `updated` equals `date`."""
    default_limit: int = 30
    """Contacts, or other things, per page of a v1 list when no `limit` is sent."""
    max_limit: int = 100
    """The largest `limit` of a v1 list."""
    over_limit: Literal["cut", "400", "413", "422", "default", "empty", "500"] = "cut"
    """A larger one: cut down to it, answered with a status, ignored, or answered with an empty
    list."""
    honours_limit: bool = True
    """Whether v1 lists apply `limit` at all."""
    page_base: int | None = 1
    """Number of the first page of `POST /v1/contacts`; None: `page` is ignored."""
    v2_max_limit: int = 100
    """The largest `limit` of `POST /v2/contacts/list`; the docs say 100."""
    v2_over_limit: Literal["cut", "reject"] = "cut"
    """A larger one: cut down to that, or answered 400."""
    empty_body: bool = True
    """Whether a list or count works without a body, or requires `{}`."""
    ties: Literal["stable", "shuffled"] = "stable"
    """The order of contacts with the same `updated`: by id, or a new random one in every answer."""
    list_end: Literal["[]", "null", "{}", "empty", "204"] = "[]"
    """A list or search without contacts: one of these bodies, or an empty one with 200 or 204."""

    # Timestamps
    precision: Literal["seconds", "milliseconds", "microseconds", "nanoseconds"] = "seconds"
    """The unit of `created` and `updated`, as stored and as shown."""
    trim_zeros: bool = False
    """Whether the fraction of a second loses its trailing zeros, as Go's RFC 3339 prints it."""
    fractions: Literal["shown", "truncated", "rounded"] = "shown"
    """Whether reads show fractions of a second, cut them off, or round to whole seconds.

    Order and `date` use the stored timestamp. Needs a `precision` finer than seconds."""
    zone: Literal["Z", "+00:00"] = "Z"
    """The spelling of UTC; the docs show both."""

    # Writes
    duplicate_phone: Literal["create", "reject", "update"] = "create"
    """Creating with a known phone: a second contact, a 400, or an update of the first."""
    omitted: Literal["keep", "blank"] = "keep"
    """The effect of an update on the standard fields that it does not send."""
    null_write: Literal["clear", "keep"] = "clear"
    """The effect of `null` on a standard field: clears it, or counts as not sent."""
    custom_null: Literal["remove", "store"] = "remove"
    """The effect of `{"custom": {"123": null}}`: removes the value, or stores the null."""
    tags_replace: bool = True
    """Whether the tags sent replace the stored ones or are added to them."""
    unknown_custom: Literal["drop", "reject"] = "drop"
    """A `custom` key that is not a field id: ignored, or answered 400."""
    created_status: int = 200
    """Status of an answer to a create."""
    duplicate_tag: Literal["create", "reject", "return"] = "create"
    """Creating a tag with a known label: a second tag, a 400, or the answer of the first one.

    Labels that differ in case are known too, unless a second tag is made."""
    tag_delay_s: float = 0.0
    """Seconds until a new tag can be seen in lists and by its id."""
    delete_missing_ok: bool = False
    """Whether deleting an unknown id answers like deleting a known one."""

    # Answers
    missing: int = 404
    """Status for an unknown id."""
    missing_find: NoMatch = "status"
    """`POST /v1/contact/get` without a match: the status above, or 200 with `null`, `{}`,
    `{"contact": null}`, `{"error": ...}`, `{"id": 0}` or an empty body."""
    missing_get: NoMatch = "status"
    """The same for `GET /v1/contact/{id}`, `GET /v2/contact/{contactID}` and
    `POST /v1/contact/status` of an unknown contact."""
    set_status_answer: Literal["text", "null", "object", "empty", "204"] = "text"
    """`POST /v1/contact/set_status`: "success", `null`, `{"success": true}`, or an empty body with
    200 or 204."""
    rev: Literal["rises", "falls", "null", "missing"] = "rises"
    """The effect of a write on `rev`: raises it, or lowers it as after a restored backup; or reads
    of a contact show it as null, or not at all."""
    batch_answer: Literal["failed", "ok", "contacts"] = "failed"
    """`POST /v1/batch/contacts`: the items that failed or "ok" if none did (old docs), always "ok"
    (third-party reference), or the full contacts (new docs)."""
    batch_skipped_fail: bool = False
    """Whether a batch item that was skipped because its phone is known counts as failed."""
    bulk_error_key: str = "error"
    """Name of the undocumented key with the reason why an entry of `failed_contacts` failed."""
    count_date: Literal["after", "before", "ignored"] = "after"
    """The contacts that `POST /v1/contacts/count` counts: updated after `date`, as the docs say, or
    before it, or all of them."""
    count_includes_date: bool = False
    """Whether it counts those whose `updated` equals `date`."""
    count_as_text: bool = False
    """Whether a count is answered as "1042", the way message counts are, or as 1042."""
    list_has_uuid: bool = False
    """Whether reads of a contact carry `uuid`; no documented read schema lists it."""
    list_has_channels: bool = False
    """Whether lists carry `contact_channels`, as single v2 reads do here."""
    undocumented_keys: bool = False
    """Whether reads carry a key that no page mentions."""
    v2_create_answer: Literal["ref", "contact"] = "ref"
    """`POST /v2/contact`: id, rev and uuid, or the full contact."""
    v2_update_answer: Literal["contact", "ref"] = "contact"
    """`PUT /v2/contact/{contactID}`: the full contact (new docs), or id, rev and uuid (old)."""
    v2_delete_answer: str = "ok"
    """The bare string that `DELETE /v2/contact/{contactID}` answers; its text is not shown."""
    channel_ids: Literal["int", "text"] = "int"
    """A channel's `id` and `contact_id`: integers (new docs), or text and a UUID (old docs)."""
    channel_put_answer: Literal["channels", "channel", "ok"] = "channels"
    """Answer of `PUT /v2/contact/{contactID}/channel`, which is not shown."""
    channel_delete_answer: Literal["ok", "channels"] = "ok"
    """Answer of `DELETE /v2/contact/{contactID}/channel/{channelType}`, which is not shown."""
    error_body: Literal["message", "error", "code", "text", "empty"] = "message"
    """Error bodies: {"error": "bad_data", "message": ...}, {"error": ...},
    {"error_code": ..., "message": ...}, plain text, or nothing."""
    gzip: bool = False
    """Whether answers of 1 KiB and more are compressed for a client that takes that."""
    max_body_bytes: int = 10 * 1024 * 1024
    """Largest request body; a larger one is answered 413 and not read to its end."""

    # Messages and conversations
    local_id_dedupes: Literal["none", "lists", "all"] = "all"
    """Which sends with a known `local_id` do nothing: none, broadcasts and e-mails, or all.

    Most pages call it an idempotency key; one tip asks for "a unique value per send attempt"."""
    local_id_repeat_answer: Literal["first", "conflict"] = "first"
    """The answer to such a send: that of the first one, or 409."""
    message_delay_s: float = 0.0
    """Seconds until a new message can be seen in lists and counts."""
    messages_cursor: Literal["order", "before", "after"] = "order"
    """The bound that `created_at` or `date` sets on `POST /v1/messages/all`.

    "order": messages before it, or after it with `ascending`; "before" and "after": always."""
    chat_page_base: int | None = 1
    """Number of the first page of messages and of conversations; None: `page` is ignored."""
    chat_counts: Literal["text", "int", "empty"] = "text"
    """A count of messages or conversations: "1042", 1042, or ""."""
    conversation_shape: Literal["ids", "objects", "mixed"] = "ids"
    """`assigned`, `inbox` and `read`: integers (new docs), or two objects and a boolean (old
    docs); "mixed": the old shape for every second conversation."""
    never: Literal["zero", "empty", "null"] = "zero"
    """A time that was never set: `0001-01-01T00:00:00Z`, "" or null."""
    send_answer: Literal["full", "id"] = "full"
    """The answer to a send: all fields that any page names, or `id` alone."""
    compliance_results: Literal["{}", "null", "[]"] = "{}"
    """The empty `compliance_results` of an answer to a send."""
    opted_out_send: Literal["400", "403", "accept"] = "400"
    """A send to someone who opted out: refused, or accepted as a message that failed.

    A broadcast leaves such people out."""
    quiet_hours: Literal["queue", "refuse", "off"] = "queue"
    """A send in quiet hours: goes out when they end, is answered 403, or goes out at once."""
    inboxes: Literal["array", "wrapped"] = "array"
    """`GET /v1/inboxes`: a bare array (new docs), or `{"inboxes": [...]}` whose phones have a plus
    sign (old docs)."""
    users_get_body: Literal["kept", "dropped"] = "kept"
    """Whether the body of `GET /v1/users/get` arrives; without it, everyone is answered."""
    reassign_repeat: Literal["ok", "refused"] = "ok"
    """A reassign to its present member, or a transfer to its present inbox."""

    # Templates, lists, scheduled messages, surveys
    template_local_id: Repeat = "create"
    """A create with a known `local_id`: a second one, the answer of the first, or a 409."""
    list_local_id: Repeat = "return"
    """The same for lists, where the docs call it an idempotency key."""
    schedule_local_id: Repeat = "create"
    """The same for scheduled messages."""
    duplicate_title: Literal["create", "reject"] = "create"
    """A template or list with the title of another one: it is made, or answered 400."""
    list_uuid: Literal["local_id", "uuid", "absent"] = "local_id"
    """The `uuid` in answers to writes of templates and lists: the `local_id` if one was sent, as in
    the samples; always a UUID; or none."""
    list_phones_put: Literal["add", "replace"] = "add"
    """The effect of plain `phones` and `emails` on `PUT /v2/lists/{id}`: they are added (new
    reference), or replace the members as `contacts` does (older pages)."""
    list_contact_ids: Literal["ignored", "removed"] = "ignored"
    """`contact_ids` on `DELETE /v2/lists/{id}`: ignored, or the members that are removed while the
    list itself stays."""
    opt_out_leaves_lists: bool = True
    """Whether someone who opts out leaves all lists, as a help page says that they may."""
    schedule_sent: Literal[404, 400] = 404
    """Status for a scheduled message that was sent already."""
    survey_page_base: int | None = 1
    """Number of the first page of `POST /v1/surveys`; None: `page` is ignored."""

    # Webhooks
    webhook_accepts: Literal["2xx", "200"] = "2xx"
    """The answers of a subscriber that end a delivery: any 2xx (new docs), or 200 (old guide)."""
    webhook_retries: int = 3
    """How often another delivery is repeated, and one without an answer; the old guide says that
    it is, without a number."""
    webhook_retry_s: float = 0.1
    """Seconds between two attempts."""

    # Access
    window: Literal["fixed", "sliding"] = "sliding"
    """Whether the limit counts within the current window, or over the last `per_s` seconds."""
    retry_after: Literal["none", "seconds", "date"] = "none"
    """Whether a 429 carries `Retry-After`, and in which of its two forms."""
    rate_headers: bool = False
    """Whether answers carry `X-RateLimit-Limit`, `-Remaining` and `-Reset`, in seconds."""
    counts_429: bool = False
    """Whether requests refused with 429 use up the limit too."""
    future_iat_leeway_s: float = 60.0
    """How far in the future a token's `iat` may lie."""
    honours_exp: bool = True
    """Whether an `exp` claim, which the docs do not mention, is checked."""

    def __post_init__(self) -> None:
        """Check the options, since a misspelled one would pass for the default."""
        for name, kind in get_type_hints(type(self)).items():
            check_type(name, getattr(self, name), kind)
        if self.fractions != "shown" and self.precision == "seconds":
            raise ValueError(f"fractions={self.fractions!r} needs a precision finer than seconds")


def check_type(name: str, value: object, kind: object) -> None:
    """Check the type of an option; a value of another type is not shown, it may be a secret.

    Raises:
        ValueError: It is of another type, or not one of the choices.
    """
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            choices = ", ".join(map(repr, get_args(kind)))
            raise ValueError(f"{name} must be one of {choices}, not {value!r}")
        return
    kinds = cast("tuple[type[object], ...]", get_args(kind) or (kind,))
    if not isinstance(value, (*kinds, int) if float in kinds else kinds):
        names = " or ".join(one.__name__ for one in kinds).replace("NoneType", "None")
        raise ValueError(f"{name} must be of type {names}, not a {type(value).__name__}")
