# What backfills/ builds and installs.
