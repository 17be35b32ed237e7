"""Embedding look-up and its backward: take rows of a table (V, C), add rows into one."""

import numpy as np

from .pair import Kernel, prange

COLUMNS = 256  # that a thread adds up at a time


@Kernel
def gather(table, ids):
    """Row ids[n] of the table for each n.   ids (N,)   ->   (N, C)"""
    return table[ids]


@Kernel
def scatter_add(rows, ids, V):
    """The sum, for each id, of the rows it was looked up for.   rows (N, C)   ids (N,)   ->   (V, C)"""
    table = np.zeros((V, rows.shape[1]), rows.dtype)
    np.add.at(table, ids, rows)  # table[ids] += rows would count a repeated id once
    return table


gather.when_small = gather.reference  # NumPy's own look-up, for which nothing need be compiled or woken


@gather.loops
def gather(table, ids):
    rows = np.empty((ids.size, table.shape[1]), table.dtype)
    for n in prange(ids.size):
        for c in range(table.shape[1]):
            rows[n, c] = table[ids[n], c]
    return rows


@scatter_add.loops
def scatter_add(rows, ids, V):
    N, C = rows.shape
    table = np.zeros((V, C), np.float32)
    for block in prange((C + COLUMNS - 1) // COLUMNS):  # not over rows: two threads could add to one at once
        here = slice(block * COLUMNS, (block + 1) * COLUMNS)
        for n in range(N):
            add(rows[n, here], table[ids[n], here])
    return table


def add(x, y):
    for j in range(x.size):
        y[j] += x[j]
