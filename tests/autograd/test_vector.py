"""Tensors as pieces of one vector."""

import numpy as np

from minilm.autograd import Tensor, in_one_vector


def test_tensors_are_moved_into_one_vector_once():
    tensors = [Tensor(np.arange(6.0).reshape(2, 3)), Tensor(np.arange(2.0)), Tensor(np.array(7.0))]
    vector, starts = in_one_vector(tensors)
    assert vector.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 7]
    assert starts == [0, 6, 8]
    tensors[1].data[0] = 9
    assert vector[6] == 9
    again, starts = in_one_vector(tensors[::-1])  # wherever they lie in it
    assert again is vector
    assert starts == [8, 6, 0]


def test_a_tensor_that_has_left_is_fetched_back_with_its_new_numbers():
    tensors = [Tensor(np.zeros(2)), Tensor(np.zeros(2))]
    before, _ = in_one_vector(tensors)
    tensors[0].data = np.ones(2)
    vector, _ = in_one_vector(tensors)
    assert vector.tolist() == [1, 1, 0, 0]
    assert vector is not before
