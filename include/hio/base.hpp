// Package header of hio.base.
#pragma once

#include "hio/base/deed.hpp"
#include "hio/base/doing.hpp"
#include "hio/base/pacer.hpp"
#include "hio/base/tyming.hpp"
#include "hio/base/waker.hpp"
