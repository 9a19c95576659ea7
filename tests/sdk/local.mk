# Plugins outside of this tree, against what "make install" gives. A build with sanitizers or for coverage is not installed.
EXTRA_DIST += tests/sdk/test_sdk tests/sdk/packages
if !INSTRUMENTED
TESTS += tests/sdk/test_sdk
endif
