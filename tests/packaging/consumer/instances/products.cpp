// Products and eigenvalues from the library that the project links.
#include "../parts.hpp"

#include <pith/linalg/symmetric_eigen.hpp>

#ifndef PITH_LINALG_INSTANCES
#    error "pith::linalg must tell its users that the instances are compiled already"
#endif

bool products_are_right() {
    namespace linalg = pith::linalg;
    linalg::matrix<double> h(2, 2);
    h(0, 0) = h(1, 1) = 2;
    h(0, 1) = h(1, 0) = 1;
    const linalg::matrix<double> square = linalg::multiply<double>(h, h);
    const linalg::spectrum parts = linalg::symmetric_eigen(h);
    return square(0, 0) == 5 && square(0, 1) == 4 && parts.values[0] > 2.999 && parts.values[1] < 1.001;
}
