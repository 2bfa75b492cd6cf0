from plait.data import Draw, index_of


def test_a_draw_and_a_plain_index_stand_for_the_same_position() -> None:
    assert index_of(Draw(3, epoch=7)) == index_of(3) == 3
