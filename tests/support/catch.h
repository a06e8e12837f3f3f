// The one place that names Catch2's headers.
#pragma once

#include <catch2/catch_all.hpp>
