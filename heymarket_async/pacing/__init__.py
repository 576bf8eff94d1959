"""When a call may be sent: the rate limit, alone or shared with other processes."""
