# Plugins outside of this tree, against what "make install" gives, which a build with sanitizers or for coverage refuses; completion;
# and, for ./check --full, packages and examples.
EXTRA_DIST += tests/sdk/test_sdk tests/sdk/test_completion tests/sdk/packages tests/sdk/examples tests/sdk/trees
TESTS += tests/sdk/test_completion
if !INSTRUMENTED
TESTS += tests/sdk/test_sdk
endif
