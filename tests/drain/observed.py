"""The application with the one line, for servers that are started by themselves."""

from observekit import instrument
from tests.drain.shop import app

instrument(app)
