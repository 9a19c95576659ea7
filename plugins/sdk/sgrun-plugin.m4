# sgrun-plugin.m4 - plugins of sgrun in projects that are built with autotools.                              serial 1
#
# configure.ac:
#
#   AC_INIT([crm-migrations], [1.0])
#   AM_INIT_AUTOMAKE([foreign])
#   LT_INIT([dlopen disable-static])
#   SGRUN_PLUGIN([0.1])
#   AC_CONFIG_FILES([Makefile])
#   AC_OUTPUT
#
# Makefile.am:
#
#   sgrun_plugin_LTLIBRARIES = 0096_lead_name.la
#   0096_lead_name_la_SOURCES = 0096_lead_name.c       (automake writes names with _ for what is no letter or digit)
#   AM_CFLAGS = $(SGRUN_PLUGIN_CFLAGS)
#   AM_LDFLAGS = $(SGRUN_PLUGIN_LDFLAGS)
#
# SGRUN_PLUGIN([VERSION]): needs sgrun's development files, of that version or a later one. Sets SGRUN_PLUGIN_CFLAGS,
# SGRUN_PLUGIN_LDFLAGS and the folder sgrun_plugindir: what pkg-config says, or --with-sgrun-plugindir. "make distcheck" of the
# project installs into its own scratch folder, never into the live one: AM_DISTCHECK_CONFIGURE_FLAGS sees to that.
AC_DEFUN([SGRUN_PLUGIN], [
AC_REQUIRE([PKG_PROG_PKG_CONFIG])
AC_ARG_WITH([sgrun-plugindir],
  [AS_HELP_STRING([--with-sgrun-plugindir=DIR], [where plugins of sgrun are installed])],
  [AS_CASE([$withval], [yes|no], [AC_MSG_ERROR([--with-sgrun-plugindir needs a folder])])
   sgrun_plugindir=$withval],
  [sgrun_plugindir=])
AC_MSG_CHECKING([for sgrun's development files m4_ifval([$1], [>= $1])])
AS_IF([test -z "$PKG_CONFIG" || ! $PKG_CONFIG --exists "sgrun-plugin m4_ifval([$1], [>= $1])"],
  [AC_MSG_RESULT([no])
   AC_MSG_ERROR([sgrun-plugin.pc m4_ifval([$1], [>= $1 ])is not found: install the development files of sgrun, or set PKG_CONFIG_PATH])])
AC_MSG_RESULT([`$PKG_CONFIG --modversion sgrun-plugin`])
AC_ARG_VAR([SGRUN_PLUGIN_CFLAGS], [C compiler flags for plugins of sgrun, overriding pkg-config])
AS_IF([test -z "$SGRUN_PLUGIN_CFLAGS"], [SGRUN_PLUGIN_CFLAGS=`$PKG_CONFIG --cflags sgrun-plugin`])
# libtool makes the shared object itself; nothing but the entry points is exported.
SGRUN_PLUGIN_LDFLAGS="-module -avoid-version -shared -export-symbols-regex '^(sg_plugin|fingerprint|run|backfill_batch)\$\$'"
AS_IF([test -z "$sgrun_plugindir"], [sgrun_plugindir=`$PKG_CONFIG --variable=plugindir sgrun-plugin`])
AM_DISTCHECK_CONFIGURE_FLAGS="$AM_DISTCHECK_CONFIGURE_FLAGS --with-sgrun-plugindir=\$\$dc_install_base/lib/sgrun/plugins"
AC_SUBST([SGRUN_PLUGIN_LDFLAGS])
AC_SUBST([sgrun_plugindir])
AC_SUBST([AM_DISTCHECK_CONFIGURE_FLAGS])
])
