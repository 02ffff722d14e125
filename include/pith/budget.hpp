// Everything in budget/: who gets how many bytes, exactly, by prices, or in closed form.
#pragma once

#include <pith/budget/error_target.hpp>
#include <pith/budget/evolution.hpp>
#include <pith/budget/knapsack.hpp>
#include <pith/budget/marginal.hpp>
#include <pith/budget/options.hpp>
#include <pith/budget/water_filling.hpp>
#include <pith/version.hpp>
