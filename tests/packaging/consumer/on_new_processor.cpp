#include "parts.hpp"

std::size_t bytes_on_new_processor(std::size_t count) { return bytes_of_numbers(count); }
