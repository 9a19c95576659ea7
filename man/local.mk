# What man/ builds and installs.
dist_man_MANS += man/sgrun.1
