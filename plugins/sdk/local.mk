# What those who write plugins install: pkg-config file, m4 macro, make snippet, templates.
sgrunsdkdir = $(datadir)/sgrun/sdk
dist_sgrunsdk_DATA = plugins/sdk/plugin.mk
sgruntemplatesdir = $(sgrunsdkdir)/templates
templates = plugins/sdk/templates/migration.c plugins/sdk/templates/backfill.c plugins/sdk/templates/drain.c \
	plugins/sdk/templates/test.t
dist_sgruntemplates_DATA = $(templates)
# The same for `sgrun new`, as text.
core/scaffold/templates.h: $(templates) plugins/sdk/local.mk
	$(AM_V_GEN)$(MKDIR_P) core/scaffold && for name in migration.c backfill.c drain.c test.t; do \
		echo "static const char sg_template_$${name%.*}[] ="; \
		$(SED) -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/	"/' -e 's/$$/\\n"/' $(srcdir)/plugins/sdk/templates/$$name; echo ';'; \
	done >$@.tmp && mv $@.tmp $@
CLEANFILES += core/scaffold/templates.h core/scaffold/templates.h.tmp
# It must be there before anything is compiled; who reads it is known from then on.
$(libsgrun_core_la_OBJECTS): | core/scaffold/templates.h
aclocaldir = $(datadir)/aclocal
dist_aclocal_DATA = plugins/sdk/sgrun-plugin.m4
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = plugins/sdk/sgrun-plugin.pc
# The folder that plugin_path of an installed manifest names; plugins come with other packages.
