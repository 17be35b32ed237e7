"""Embedding look-up and its backward: take rows of a table (V, C), add rows into one."""

import numpy as np

from .linear import add, share
from .pair import Kernel, prange, thread_count


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
    table, parts = np.zeros((V, C), rows.dtype), thread_count()
    for part in prange(parts):  # each thread its columns: two could add to one row at once
        start, stop = share(C, part, parts)
        for n in range(N):
            add(rows[n, start:stop], table[ids[n], start:stop])
    return table
