import io

from plait.data.table.counted import Counted


def test_a_file_tells_how_far_it_was_read() -> None:
    seen: list[tuple[int, int]] = []
    file = Counted(io.BytesIO(b"0123456789"), 10, lambda *told: seen.append(told))
    assert file.read(4) == b"0123"
    buffer = bytearray(8)
    assert file.readinto(buffer) == 6
    assert buffer[:6] == b"456789"
    assert file.seek(2) == file.tell() == 2
    assert file.read() == b"23456789"
    assert seen == [(4, 10), (10, 10), (10, 10)]
    assert file.readable()
    assert file.seekable()
