// Package header of hio::sim: a seeded network for tests, in virtual time.
#pragma once

#include "hio/sim/entropy.hpp"
#include "hio/sim/pacer.hpp"
#include "hio/sim/random.hpp"
#include "hio/sim/rules.hpp"
#include "hio/sim/testbed.hpp"
#include "hio/sim/trace.hpp"
#include "hio/sim/world.hpp"
