"""Sends one call: waits for its turn, signs it, exchanges it, decodes the answer, and retries."""
