# What bench/ builds and installs.
