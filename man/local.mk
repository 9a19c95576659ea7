# What man/ builds and installs.
dist_man_MANS += man/sgrun.1
dist_man_MANS += man/sgrun.ini.5
dist_man_MANS += man/sgrun-plugin.3
