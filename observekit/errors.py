"""Every exception that observekit raises; they reach the user at start-up or on the command line only."""


class ObservekitError(Exception):
    """Base of all errors of observekit."""


class ConfigError(ObservekitError, ValueError):
    """A setting is wrong; the message names every wrong value, its rule and the remedy."""


class CatalogueError(ObservekitError, ValueError):
    """An entry of the catalogue breaks a rule; raised while the catalogue is imported."""


class MissingExtraError(ObservekitError, ImportError):
    """A feature that was asked for needs a package that is not installed."""


class RegistrationError(ObservekitError, ValueError):
    """Something cannot be registered as asked, such as a second health check of one name."""


class WorkerFileError(ObservekitError, ValueError):
    """A file of another worker is not what it should be; it stops inside, where it is counted."""


class RemoteError(ObservekitError, OSError):
    """Something that a command asks over the network does not answer; on the command line only."""
