// Everything in systems/: published systems as aliases over the policies of the other folders.
#pragma once

#include <pith/systems/budget.hpp>
#include <pith/systems/feedback.hpp>
#include <pith/systems/kv.hpp>
#include <pith/systems/learned.hpp>
#include <pith/systems/logs.hpp>
#include <pith/systems/lossless.hpp>
#include <pith/systems/similarity.hpp>
#include <pith/systems/tensors.hpp>
#include <pith/systems/tokens.hpp>
#include <pith/systems/vector.hpp>
#include <pith/systems/weights.hpp>
#include <pith/version.hpp>
