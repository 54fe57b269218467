// Package header of hio.base.
#pragma once

#include "hio/base/tyming.hpp"
