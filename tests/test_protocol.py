import pickle

import pytest

from invariance.datasets import NaturalImages, ObjectsOnImages, Transforms2D
from invariance.errors import InputError
from invariance.protocol import CORRECTED, FLAGS, PROTOCOLS, PUBLISHED, Protocol, find, name_of
from invariance.units import Pretraining


def test_corrected_has_no_flag_and_published_all():
    assert Protocol() == CORRECTED and CORRECTED.flags() == []
    assert PUBLISHED.flags() == [*FLAGS]
    assert {name: find(name) for name in PROTOCOLS} == PROTOCOLS


@pytest.mark.parametrize("flag", FLAGS)
def test_flags_are_added_and_taken_away_and_named(flag):
    alone, others = find(f"corrected+{flag}"), find(f"published-{flag}")
    assert alone.flags() == [flag] and set(others.flags()) == {*FLAGS} - {flag}
    assert find([flag]) == alone == Protocol(**{flag: True})
    assert name_of(alone) == f"corrected+{flag}" and name_of(others) == f"published-{flag}"


def test_names_and_protocols_are_inverse():
    for name in (*PROTOCOLS, "corrected+eight_bits+noise_wraps", "published-eight_bits-shared_draws"):
        assert name_of(find(name)) == name
    assert find("published-eight_bits+eight_bits") == PUBLISHED
    assert find(find("published").flags()) == PUBLISHED and find([]) is CORRECTED


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("publishd", "Unknown protocol 'publishd'. Did you mean 'published'? Known: corrected, published."),
        ("", "Unknown protocol ''. Known: corrected, published."),
        (
            "corrected+noise_wrap",
            "Unknown flag of a protocol 'noise_wrap'. Did you mean 'noise_wraps'? Known: eight_bits,",
        ),
        ("published-", "Unknown flag of a protocol ''. Known: eight_bits,"),
        (["boxes"], "Unknown flag of a protocol 'boxes'."),
    ],
)
def test_unknown_ones_are_refused_with_a_list_of_the_known(wanted, message):
    with pytest.raises(InputError) as error:
        find(wanted)
    assert str(error.value).startswith(message)
    with pytest.raises(InputError) as error:
        Transforms2D(protocol=wanted)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_flag_that_is_none_is_refused():
    with pytest.raises(InputError, match="no such field; known: eight_bits"):
        Protocol(noise=True)
    with pytest.raises(InputError, match="protocol: "):
        Transforms2D(protocol=3)


@pytest.mark.parametrize("kind", [Transforms2D, NaturalImages, ObjectsOnImages])
def test_data_sets_take_a_protocol_by_name_keep_it_and_are_told_apart_by_it(kind):
    task = {"task": "cifar_only"} if kind is ObjectsOnImages else {}
    data = kind(**task, protocol="published-boxes_stay")
    assert data.protocol == find("published-boxes_stay") and kind(**task).protocol is CORRECTED
    stored = data.model_dump(mode="json")
    assert stored["protocol"] == data.protocol.flags()
    assert kind(**stored) == data == pickle.loads(pickle.dumps(data))
    assert len({data, kind(**task), kind(**task, protocol="published"), kind(**task, protocol=PUBLISHED)}) == 3
    units = [
        Pretraining(
            data=each, model="small", samples=10, validation_samples=10, epochs=1, batch_size=5, learning_rate=0.1
        )
        for each in (data, kind(**task), kind(**task, protocol=[]))
    ]
    assert units[0].digest != units[1].digest == units[2].digest
