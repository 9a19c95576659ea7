# plugin.mk - plugins of sgrun with make. A Makefile of two lines is enough:
#
#   PLUGINS = 0096_lead_name migration_96_lead_name
#   include $(shell pkg-config --variable=sdkdir sgrun-plugin)/plugin.mk
#
# NAME.so is built of NAME.c, NAME.cc or NAME.cpp. Targets: all, install (to $(DESTDIR)$(plugindir)), uninstall, clean.
# Yours to set: CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS, LDLIBS, plugindir, PKG_CONFIG. Without PLUGINS each .c, .cc and .cpp of
# the folder is a plugin.
PKG_CONFIG ?= pkg-config
ifeq ($(origin CC),default)
CC = cc
endif
CFLAGS ?= -O2 -g -Wall -Wextra
CXXFLAGS ?= -O2 -g -Wall -Wextra
INSTALL ?= install

PLUGINS ?= $(sort $(basename $(wildcard *.c *.cc *.cpp)))
sgrun_plugin_cflags := $(shell $(PKG_CONFIG) --cflags sgrun-plugin)
sgrun_plugin_libs := $(shell $(PKG_CONFIG) --libs sgrun-plugin)
plugindir ?= $(shell $(PKG_CONFIG) --variable=plugindir sgrun-plugin)
ifeq ($(sgrun_plugin_libs),)
$(error sgrun-plugin.pc is not found: install the development files of sgrun, or set PKG_CONFIG_PATH)
endif
sgrun_plugins = $(addsuffix .so,$(PLUGINS))

all: $(sgrun_plugins)

%.so: %.c
	$(CC) $(CPPFLAGS) $(sgrun_plugin_cflags) $(CFLAGS) $(LDFLAGS) $(sgrun_plugin_libs) -o $@ $< $(LDLIBS)
%.so: %.cc
	$(CXX) $(CPPFLAGS) $(sgrun_plugin_cflags) $(CXXFLAGS) $(LDFLAGS) $(sgrun_plugin_libs) -o $@ $< $(LDLIBS)
%.so: %.cpp
	$(CXX) $(CPPFLAGS) $(sgrun_plugin_cflags) $(CXXFLAGS) $(LDFLAGS) $(sgrun_plugin_libs) -o $@ $< $(LDLIBS)

install: all
	$(INSTALL) -d $(DESTDIR)$(plugindir)
	$(INSTALL) -m 644 $(sgrun_plugins) $(DESTDIR)$(plugindir)
uninstall:
	cd $(DESTDIR)$(plugindir) && rm -f $(sgrun_plugins)
clean:
	rm -f $(sgrun_plugins)

.PHONY: all install uninstall clean
