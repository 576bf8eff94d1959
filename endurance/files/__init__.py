"""Commands whose calls of the system are counted, logged, failed or cut off, and their disks."""
