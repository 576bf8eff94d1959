"""The cost of receiving webhooks, compared with the bare handler of the framework."""
