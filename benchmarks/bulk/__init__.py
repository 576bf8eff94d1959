"""The cost of the bulk jobs: CPU, memory, time under the rate limit, requests."""
