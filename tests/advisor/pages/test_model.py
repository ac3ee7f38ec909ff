"""A model's page: what is known with its sources, and its memory against context on this or a stated machine."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from advisor.fit.engines.llama_cpp.memory import ENGINE_BUILD
from advisor.fit.units import GIB
from advisor.selectors.catalog import catalog_index
from catalog.evidence_sources import switch
from catalog.models import Evidence, Licence, Model
from hardware.snapshots import refresh
from tests.advisor.pages.conftest import page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
MACHINE = "2x RTX 3090, 64 GB RAM"
TWO = "hw=2x+RTX+3090,+64+GB+RAM"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def client() -> Client:
    refresh()
    return Client(SERVER_NAME="localhost")


def rows(text: str) -> list[list[str]]:
    """Cells of the table beside the chart."""
    table = re.search(r"<caption>The same numbers.*?</table>", text, re.S)
    assert table
    found = re.findall(r"<tr>(.*?)</tr>", table[0], re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in found]
    return [[re.sub(r"<[^>]+>", " ", cell).strip() for cell in row] for row in cells]


def test_facts_carry_their_source_and_the_licence_is_in_plain_words(client: Client) -> None:
    text = page(client, "/models/llama-3.3-70b-instruct/")
    assert "<h1>Llama-3.3-70B-Instruct</h1>" in text
    assert re.search(r"Released</dt><dd>.*?<span class=\"source\">general knowledge</span>", text, re.S)
    assert "Commercial use is allowed under conditions. Commercial use below 700 million monthly users" in text
    assert 'title="42,' in text or 'title="41,' in text or 'title="39,' in text  # bytes of the Q4_K_M build
    assert "third party" in text
    assert "table_2025" in text  # an evidence row's source


def test_the_drawing_has_a_title_axes_capacity_lines_and_its_numbers_beside_it(client: Client) -> None:
    text = page(client, f"/models/qwen3-32b/?{TWO}")
    assert '<title id="growth-title">Memory of Qwen3-32B against context</title>' in text
    assert '<desc id="growth-desc">GPU memory for one request, f16 KV cache, with everything on the GPUs' in text
    assert f"summed as llama.cpp {ENGINE_BUILD} allocates" in text
    assert "context of the request, tokens" in text
    assert "available on one RTX 3090: 23" in text
    assert "available on both: 47" in text
    assert text.count("<polyline") == 5
    table = rows(text)
    assert table[0] == ["Context", "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M"]
    assert [row[0] for row in table[1:6]] == ["4k", "8k", "16k", "32k", "40k"]
    assert "one GPU" in table[1][5]
    assert "several GPUs" in table[4][5]
    assert "main memory" in table[1][1]  # 61 GiB of weights on 47 GiB of GPUs


def test_the_table_s_figures_are_the_fit_s_own(client: Client) -> None:
    text = page(client, "/models/qwen3-8b/?hw=RTX+4090,+64+GB+RAM")
    body = {
        "build": "qwen3-8b:Q4_K_M", "hardware": {"text": "RTX 4090, 64 GB RAM"},
        "settings": {"context": 32768, "gpu_layers": 37, "devices": 1},
    }  # fmt: skip
    estimate = client.post("/api/v1/estimates/", body, content_type="application/json").json()
    total = estimate["memory"]["devices"][0]["total"]
    assert f'title="{total:,} bytes">{total / GIB:.1f} GiB' in text


def test_without_hardware_it_is_this_machine_and_its_main_memory(client: Client) -> None:
    text = page(client, "/models/smollm2-135m-instruct/")
    assert "Memory against context on this machine" in text
    assert "main memory available: " in text.replace("Main", "main")
    assert "computed on the CPU" in text


@pytest.mark.parametrize(
    ("hw", "said"),
    [
        ("M3+Max+64+GB", "Memory for one request"),
        ("CPU+only,+32+GB+RAM", "Main memory for one request"),
        ("8x+H100+SXM,+1000+GB+RAM", "available on all 8"),
        ("RTX+4090", "available on the RTX 4090"),
    ],
)
def test_every_kind_of_machine(client: Client, hw: str, said: str) -> None:
    assert said in page(client, f"/models/deepseek-v3/?hw={hw}")


def test_every_model_of_the_catalog_has_a_page(client: Client) -> None:
    slugs = list(Model.objects.exclude(status="hidden").values_list("slug", flat=True))
    for slug in slugs[::13]:
        page(client, f"/models/{slug}/?hw=RTX+3090,+32+GB+RAM")


def test_an_unknown_layout_is_said_and_nothing_is_drawn(client: Client) -> None:
    text = page(client, f"/models/deepseek-v4-flash/?{TWO}")
    assert "Its layout is not known, so its memory is not promised." in text
    assert "<polyline" not in text


def test_a_short_context_still_makes_a_line(client: Client) -> None:
    text = page(client, f"/models/bge-small-en-v1.5/?{TWO}")
    assert [row[0] for row in rows(text)[1:]][:3] == ["128", "256", "512"]
    assert "f16 KV cache" not in text


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("hw=Foo+9000", 422, "is not a GPU that Berth knows"),
        ("hw=RTX+3060", 422, "can be several cards"),
        ("colour=red", 400, "colour is not a query key"),
        ("gpus=2", 400, "Name the GPU that this describes"),
    ],
)
def test_a_machine_that_is_not_known_is_one_sentence_and_the_facts_stay(
    client: Client, query: str, status: int, said: str
) -> None:
    text = page(client, f"/models/qwen3-8b/?{query}", status)
    assert said in text
    assert "<h1>Qwen3-8B</h1>" in text
    assert "<polyline" not in text


def test_a_model_that_is_not_there_or_hidden_is_a_page_that_says_so(client: Client) -> None:
    Model.objects.filter(slug="qwen3-8b").update(status="hidden")
    for slug in ("no-such-model", "qwen3-8b", "..%2fx"):
        assert "There is nothing at this address." in page(client, f"/models/{slug}/", 404)


def test_what_others_wrote_is_text(client: Client) -> None:
    Licence.objects.create(id="evil", name=HOSTILE, commercial="conditions", conditions=HOSTILE)
    row = Model.objects.get(slug="qwen3-8b")
    row.name, row.licence_id, row.flags, row.provenance = HOSTILE, "evil", [HOSTILE], {"released": HOSTILE}
    row.save()
    row.builds.update(repo=HOSTILE)
    row.evidence.update(source=HOSTILE)
    assert HOSTILE not in page(client, f"/models/qwen3-8b/?{TWO}")
    assert HOSTILE not in page(client, f"/models/qwen3-8b/?hw={HOSTILE}", 422)


def test_answers_and_rejected_models_link_to_it_with_the_same_machine(client: Client) -> None:
    text = page(client, f"/?{TWO}&use_case=coding")
    links = re.findall(r'href="(/models/[^"]+)"', unescape(text))
    assert len(links) >= 20
    assert all("?hw=2x+RTX+3090%2C+64+GB+RAM&use_case=coding" in link for link in links)
    assert "Memory against context on 2x RTX 3090, 64 GB RAM" in page(client, links[0])
    assert re.search(r'href="/models/[^"?]+/"', page(client, "/"))


def test_it_leads_to_what_the_model_needs(client: Client) -> None:
    (link,) = re.findall(r'href="(/requirements/[^"]+)"', page(client, "/models/qwen3-8b/"))
    text = page(client, link)
    assert "What does Qwen3-8B need?" in text
    assert '<a href="/models/qwen3-8b/">Qwen3-8B</a> runs whole' in text


def test_a_page_asks_the_database_a_handful_of_times(client: Client, django_assert_max_num_queries: Any) -> None:
    catalog_index()
    url = f"/models/qwen3-30b-a3b/?{TWO}"
    client.get(url)
    with django_assert_max_num_queries(8) as captured:
        client.get(url)
    assert isinstance(captured, CaptureQueriesContext)


def test_what_vllm_makes_of_it_stands_beside_and_says_where_it_is_not_known(client: Client) -> None:
    text = page(client, "/models/qwen3.6-27b/?hw=2x+H100+SXM,+256+GB+RAM&context=32768")
    assert "vLLM 0.32.0" in text
    assert "vllm serve Qwen/Qwen3.6-27B --max-model-len 32768" in text
    assert "<code>--kv-cache-dtype fp8</code> holds" in text
    assert "in llama.cpp’s, both at 16 bits" in text
    assert "Not promised: vLLM’s memory is known here for NVIDIA cards" in unescape(
        page(client, "/models/qwen3.6-27b/?hw=RX+7900+XTX,+64+GB+RAM")
    ).replace("vLLM's", "vLLM’s")
    assert "Under vLLM" not in page(client, "/models/qwen3-embedding-8b/")


def test_what_the_same_files_take_in_ollama_and_lm_studio_is_said(client: Client) -> None:
    text = page(client, f"/models/qwen3-32b/?{TWO}")
    table = re.search(r'id="products".*?</details>', text, re.S)
    assert table
    found = re.findall(
        r'<tr><th scope="row" class="keep">(.*?)</th><td class="num" data-label="Context">(.*?)</td>'
        r'<td class="num" data-label="Slots">(.*?)</td>(.*?)</tr>',
        table[0],
    )
    assert [row[:3] for row in found] == [("Ollama", "40k", "1"), ("LM Studio", "4k", "4, one cache")]
    assert all(row[3].count(" bytes") == 5 for row in found)
    assert found[0][3].count("does not fit") == 1  # F16 on two cards of 24 GB
    assert 'id="products"' not in page(client, f"/models/qwen3-embedding-8b/?{TWO}")
    assert re.search(r'href="/models/[^"]+#products">what the file takes there', page(client, f"/?{TWO}"))
    assert "#products" not in page(client, f"/?{TWO}&use_case=embedding")  # a section that their pages do not have


def test_results_of_a_source_that_is_switched_off_say_so(client: Client) -> None:
    path = "/models/qwen3-30b-a3b/"
    results = Evidence.objects.filter(model__slug="qwen3-30b-a3b", source__startswith="github:LiveBench/")
    said = "(switched off: not in the scores)"
    assert said not in page(client, path)
    switch("github:LiveBench/livebench.github.io", enabled=False)
    assert page(client, path).count(said) == results.count() > 10


def test_results_stand_by_use_case_and_those_for_the_use_asked_about_are_open(client: Client) -> None:
    text = page(client, "/models/qwen3-30b-a3b/?use_case=math")
    groups = re.findall(
        r"<details( open)?><summary>(\w[\w ]*) \((\d+)\)</summary>", text.partition('"card evidence"')[2]
    )
    assert [use for is_open, use, _ in groups if is_open] == ["Math"]
    assert sum(int(number) for *_, number in groups) == Evidence.objects.filter(model__slug="qwen3-30b-a3b").count()


def test_the_page_says_it_for_the_use_and_the_machine_and_links_a_comparison(client: Client) -> None:
    text = page(client, f"/models/qwen3-30b-a3b/?hw={MACHINE}&use_case=coding&context=32768")
    assert f"Against others on {MACHINE}" in text
    assert "For coding with 32k tokens of context." in text
    assert "Beaten here" in text
    link = text.partition('#compare"')[0].rpartition('href="')[2].replace("&amp;", "&")
    assert "Side by side" in page(client, link)


def test_an_embedding_model_is_held_against_embedding_models(client: Client) -> None:
    text = page(client, f"/models/qwen3-embedding-8b/?hw={MACHINE}")
    assert "For embedding with " in text
    assert "not made for this task" not in text
