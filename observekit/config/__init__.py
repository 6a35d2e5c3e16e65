"""What can be set, how it is read, and where each value came from."""

from observekit.config.env import Effective, Problem, load
from observekit.config.model import Config

__all__ = ["Config", "Effective", "Problem", "load"]
