#!/usr/bin/env python3
# Prints the knots of include/pith/core/fixed.hpp: python3 tools/fixed_knots.py
from decimal import Decimal, getcontext

getcontext().prec = 50
scale = Decimal(1 << 24)


def show(name, values):
    print(f"// {name}: {len(values)} knots")
    for i in range(0, len(values), 10):
        print(", ".join(str(v) for v in values[i:i + 10]) + ",")


show("ln(1 + i / 256)", [round(scale * (1 + Decimal(i) / 256).ln()) for i in range(257)])
show("1 / (1 + e^(i / 64))", [round(scale / (1 + (Decimal(i) / 64).exp())) for i in range(769)])
