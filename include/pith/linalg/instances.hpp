// The instances that linalg needs of Eigen, which are most of what its headers cost to compile.
// A project of many files defines PITH_LINALG_INSTANCES for all of them and includes this header in one: each
// of the others then compiles some seconds faster. CMake does both where PITH_LINALG_INSTANCES is ON.
#pragma once

#include <pith/linalg/product.hpp>
#include <pith/linalg/symmetric_eigen.hpp>

namespace pith::inline v1::linalg {

template void detail::add_product<float>(float, view_2d<const float>, view_2d<const float>, view_2d<float>);
template void detail::add_product<double>(double, view_2d<const double>, view_2d<const double>,
                                          view_2d<double>);
template spectrum symmetric_eigen<double>(input<double>);

}  // namespace pith::inline v1::linalg
