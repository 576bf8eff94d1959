"""Who may send when: the rate limit, alone or shared with other processes."""
