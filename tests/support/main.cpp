// The main function of a test program, for targets without a compiled Catch2. Catch2 2 only.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
