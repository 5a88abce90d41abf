from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from mixer_viz.model import BlockTrace, MixerConfig, MlpMixer, Trace, trace

BuildPixels = Callable[..., Tensor]


@pytest.fixture
def pixels(tiny_config: MixerConfig, random_pixels: BuildPixels) -> Tensor:
    return random_pixels(tiny_config, dtype=torch.float32)


def named_tensors(result: Trace) -> Iterator[tuple[str, Tensor]]:
    for name in ("pixels", "embedding", "norm", "pooled", "logits"):
        yield name, getattr(result, name)
    for index, block in enumerate(result.blocks):
        for field in dataclasses.fields(block):
            yield f"blocks.{index}.{field.name}", getattr(block, field.name)


def hooks_left(model: MlpMixer) -> int:
    registries = [name for name in vars(model) if name.endswith("_hooks")]
    assert "_forward_hooks" in registries
    return sum(len(getattr(module, name)) for module in model.modules() for name in registries)


@pytest.mark.parametrize("gelu", ["erf", "tanh"])
@pytest.mark.parametrize("count", [1, 3])
def test_logits_equal_the_forward_pass_bit_for_bit(
    tiny_config: MixerConfig, random_model: Callable[..., MlpMixer], random_pixels: BuildPixels, gelu: str, count: int
) -> None:
    model = random_model(dataclasses.replace(tiny_config, gelu=gelu), torch.float32)
    pixels = random_pixels(tiny_config, count=count, dtype=torch.float32)
    assert torch.equal(trace(model, pixels).logits, model(pixels))


def manual_block(model: MlpMixer, index: int, x: Tensor) -> BlockTrace:
    weights = {
        name.removeprefix(f"blocks.{index}."): value.detach()
        for name, value in model.named_parameters()
        if name.startswith(f"blocks.{index}.")
    }

    def norm(name: str, value: Tensor) -> Tensor:
        return functional.layer_norm(value, (6,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-6)

    def linear(name: str, value: Tensor) -> Tensor:
        return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    norm1 = norm("norm1", x)
    tokens_preactivation = linear("token_mixing.fc1", norm1.transpose(1, 2))
    tokens_hidden = functional.gelu(tokens_preactivation)
    token_branch = linear("token_mixing.fc2", tokens_hidden).transpose(1, 2)
    u = x + token_branch
    norm2 = norm("norm2", u)
    channels_preactivation = linear("channel_mixing.fc1", norm2)
    channels_hidden = functional.gelu(channels_preactivation)
    channel_branch = linear("channel_mixing.fc2", channels_hidden)
    return BlockTrace(
        x,
        norm1,
        tokens_preactivation,
        tokens_hidden,
        token_branch,
        u,
        norm2,
        channels_preactivation,
        channels_hidden,
        channel_branch,
        u + channel_branch,
    )


def test_every_value_equals_a_manual_forward(
    tiny_config: MixerConfig, random_model: Callable[..., MlpMixer], random_pixels: BuildPixels
) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    result = trace(model, pixels)
    patches = functional.unfold(pixels, kernel_size=2, stride=2).mT  # (N, S, 3 * P * P)
    x = patches @ model.stem.weight.detach().flatten(1).T + model.stem.bias.detach()
    torch.testing.assert_close(result.embedding, x, rtol=0, atol=1e-12)
    assert len(result.blocks) == tiny_config.num_blocks
    for index, traced in enumerate(result.blocks):
        manual = manual_block(model, index, x)
        for field in dataclasses.fields(BlockTrace):
            torch.testing.assert_close(
                getattr(traced, field.name),
                getattr(manual, field.name),
                rtol=0,
                atol=1e-12,
                msg=lambda text, name=field.name, at=index: f"block {at}, {name}: {text}",
            )
        x = manual.after_channel_mixing
    with torch.no_grad():
        norm = model.norm(x)
        torch.testing.assert_close(result.norm, norm, rtol=0, atol=1e-12)
        torch.testing.assert_close(result.pooled, norm.sum(1) / 16, rtol=0, atol=1e-12)
        torch.testing.assert_close(result.logits, model(pixels), rtol=0, atol=1e-12)
    assert torch.equal(result.pixels, pixels)
    assert result.config == tiny_config


def test_residual_sums_close(tiny_model: MlpMixer, pixels: Tensor) -> None:
    result = trace(tiny_model, pixels)
    before = result.embedding
    for block in result.blocks:
        assert torch.equal(block.tokens_in, before)
        assert torch.equal(block.tokens_in + block.token_branch, block.after_token_mixing)
        assert torch.equal(block.after_token_mixing + block.channel_branch, block.after_channel_mixing)
        before = block.after_channel_mixing
    branches = sum(block.token_branch + block.channel_branch for block in result.blocks)
    torch.testing.assert_close(result.embedding + branches, before)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_only_read(tiny_model: MlpMixer, pixels: Tensor, training: bool) -> None:
    tiny_model.train(training)
    weights = {name: value.clone() for name, value in tiny_model.state_dict().items()}
    attributes = {name: set(vars(module)) for name, module in tiny_model.named_modules()}
    result = trace(tiny_model, pixels.requires_grad_())
    with pytest.raises(ValueError, match="cannot read 4 x 4 px"):
        trace(tiny_model, torch.zeros(1, 3, 4, 4))
    assert hooks_left(tiny_model) == 0
    assert {module.training for module in tiny_model.modules()} == {training}
    assert all(value.grad is None and value.requires_grad for value in tiny_model.parameters())
    assert pixels.grad is None
    assert {name: set(vars(module)) for name, module in tiny_model.named_modules()} == attributes
    assert all(torch.equal(weights[name], value) for name, value in tiny_model.state_dict().items())
    assert not [name for name, tensor in named_tensors(result) if tensor.requires_grad]
    assert torch.is_grad_enabled()


def test_eight_threads_on_one_model_do_not_mix_results(tiny_model: MlpMixer, random_pixels: BuildPixels) -> None:
    inputs = [random_pixels(tiny_model.config, count=1, seed=seed, dtype=torch.float32) for seed in range(40)]
    expected = [dict(named_tensors(trace(tiny_model, pixels))) for pixels in inputs]
    assert not torch.equal(expected[0]["logits"], expected[1]["logits"])
    with ThreadPoolExecutor(max_workers=8) as pool:
        results = list(pool.map(lambda index: trace(tiny_model, inputs[index % 40]), range(320)))
    for index, result in enumerate(results):
        for name, tensor in named_tensors(result):
            assert torch.equal(tensor, expected[index % 40][name]), (index, name)


def test_num_bytes_counts_every_stored_number_once(tiny_model: MlpMixer, pixels: Tensor) -> None:
    images, tokens, channels = 3, 16, 6
    plane = images * tokens * channels
    token_hidden, channel_hidden = images * channels * 5, images * tokens * 7
    block = 6 * plane + 2 * token_hidden + 2 * channel_hidden  # tokens_in is the tensor of the step before
    numbers = images * 3 * 8 * 8 + plane + 2 * block + plane + images * channels + images * 10
    assert trace(tiny_model, pixels).num_bytes() == 4 * numbers
