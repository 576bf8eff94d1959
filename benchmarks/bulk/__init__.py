"""What the bulk jobs cost: CPU, memory, time under the rate limit, requests."""
