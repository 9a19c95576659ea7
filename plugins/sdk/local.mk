# What those who write plugins install: pkg-config file, m4 macro, make snippet, templates.
sgrunsdkdir = $(datadir)/sgrun/sdk
dist_sgrunsdk_DATA = plugins/sdk/plugin.mk
sgruntemplatesdir = $(sgrunsdkdir)/templates
dist_sgruntemplates_DATA = plugins/sdk/templates/migration.c plugins/sdk/templates/backfill.c
aclocaldir = $(datadir)/aclocal
dist_aclocal_DATA = plugins/sdk/sgrun-plugin.m4
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = plugins/sdk/sgrun-plugin.pc
# The folder that plugin_path of an installed manifest names; plugins come with other packages.
