#!/bin/sh
# @ID@.t - the step against a server that is thrown away: before, after, again, and already there. For prove(1) and make check.
exec "${SGRUN:-sgrun}" test "${PLUGINS:-$(dirname "$0")}/@ID@.so"
