# What man/ builds and installs.
