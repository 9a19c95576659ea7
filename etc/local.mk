# What etc/ builds and installs.
