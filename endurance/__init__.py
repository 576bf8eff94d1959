"""The promises of this package, shown at the size at which people rely on them."""
