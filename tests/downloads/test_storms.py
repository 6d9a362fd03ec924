import pytest

from nephele.downloads import storms

CSV = """SID,SEASON,NUMBER,BASIN,SUBBASIN,NAME,ISO_TIME,NATURE,LAT,LON
 ,Year, , , , , , ,degrees_north,degrees_east
2012331N03157,2012,70,WP,MM,BOPHA,2012-11-25 12:00:00,TS,3.4,157.2
2013306N07162,2013,81,WP,MM,HAIYAN,2013-11-02 06:00:00,TS,6.1,157.2
2013306N07162,2013,81,WP,MM,HAIYAN,2013-11-02 09:00:00,TS,6.1,156.4
2013007N10120,2013,5,WP,MM,NOT_NAMED,2013-01-07 00:00:00,NR,10.0,120.0
2013009N08100,2013,6,WP,MM,NOT_NAMED,2013-01-09 00:00:00,NR,8.0,100.0
"""


@pytest.fixture
def tracks(tmp_path):
    (tmp_path / "ibtracs.csv").write_text(CSV)
    return tmp_path / "ibtracs.csv"


@pytest.mark.parametrize(
    ("names", "years", "sids"),
    [
        (["2013306N07162"], [], ["2013306N07162"]),
        (["Haiyan-2013", "BOPHA-2012"], [], ["2012331N03157", "2013306N07162"]),
        (["HAIYAN-2013"], [2013], ["2013007N10120", "2013009N08100", "2013306N07162"]),
        ([], [2012], ["2012331N03157"]),
    ],
    ids=["sid", "names", "name and season", "season"],
)
def test_storms_are_found_by_any_of_their_names(tracks, names, years, sids):
    assert storms.chosen(storms.listed(tracks), names, years) == sids


@pytest.mark.parametrize(
    ("names", "years", "said"),
    [
        (["HAIYAN"], [], "no HAIYAN, expected a SID .* or NAME-SEASON"),
        (["HAIYAN-2012"], [], "no HAIYAN-2012"),
        (["NOT_NAMED-2013"], [], "2 storms, expected one; write one of 2013007N10120, 2013009"),
        ([], [1812], "no storm of 1812, expected 2012 to 2013"),
    ],
    ids=["without season", "other season", "two storms", "no season"],
)
def test_what_is_no_storm_is_said(tracks, names, years, said):
    with pytest.raises(ValueError, match=said):
        storms.chosen(storms.listed(tracks), names, years)


def test_a_copy_has_the_rows_of_its_storms_as_they_were(tracks, tmp_path):
    storms.copy(tracks, ["2013306N07162"], tmp_path / "copy.csv")
    lines = CSV.splitlines(keepends=True)
    assert (tmp_path / "copy.csv").read_text() == "".join(lines[:2] + lines[3:5])


def test_a_page_of_the_web_is_no_table(tmp_path):
    (tmp_path / "ibtracs.csv").write_text("<html>sign in</html>\n")
    with pytest.raises(ValueError, match=r"found no table of IBTrACS .*remove the file"):
        storms.listed(tmp_path / "ibtracs.csv")
