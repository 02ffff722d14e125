// Everything in linalg/: matrices and products, second moments, Cholesky factors, truncated decompositions,
// columns and rows that stand for a matrix, tensors.
#pragma once

#include <pith/linalg/cholesky.hpp>
#include <pith/linalg/column_choice.hpp>
#include <pith/linalg/gram.hpp>
#include <pith/linalg/incremental_svd.hpp>
#include <pith/linalg/matrix.hpp>
#include <pith/linalg/operators.hpp>
#include <pith/linalg/orthonormal.hpp>
#include <pith/linalg/product.hpp>
#include <pith/linalg/svd.hpp>
#include <pith/linalg/svd_solvers.hpp>
#include <pith/linalg/symmetric_eigen.hpp>
#include <pith/linalg/tensor_train.hpp>
#include <pith/linalg/transport.hpp>
#include <pith/version.hpp>
