"""The Client Portal: everything that runs in Lambda."""

import os

# Otherwise the first model makes pydantic read the metadata of every installed package, looking for plugins.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
