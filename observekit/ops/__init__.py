"""The endpoints of observekit itself."""
