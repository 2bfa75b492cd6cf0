"""Models of transformers: from a folder, a name, a configuration or a module."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plait.core.errors import ConfigError, suggest
from plait.core.extras import need

Model = Any  # what transformers annotates is too loose to check against
PURPOSE = "`TransformersEncoder`"
# Keys that name files, code or kernels that are none of the network's shape
LEFT_OUT = (
    *("architectures", "attn_implementation", "auto_map", "code_revision", "dtype"),
    *("quantization_config", "torch_dtype", "transformers_version", "trust_remote_code"),
)

UNREAD = ("pooler.", "masked_spec_embed")  # weights that `encoder_of` leaves out, or without a use


def made(source: str | Mapping[str, Any] | nn.Module, download: bool) -> Model:
    """Returns the encoder of a model of transformers, in float32.

    Args:
        source: a folder or a name, with weights in the format safetensors; a configuration, whose
            weights are drawn; or a model, which is used and not copied.
        download: a name may be looked up on the hub; else it has to be in the cache.

    Raises:
        ConfigError: there is no such model, or it is none that gives hidden states.
    """
    transformers = need("transformers", extra="hf", purpose=PURPOSE)
    if isinstance(source, nn.Module):
        whole: Any = source
        model = whole.get_base_model() if hasattr(whole, "get_base_model") else whole
        if not isinstance(model, transformers.PreTrainedModel):
            raise ConfigError(
                f"`source` must be a model of transformers; found {type(source).__name__}, which "
                "needs no `TransformersEncoder`: any module that gives one tensor is an encoder."
            )
        return encoder_of(model)
    if isinstance(source, Mapping):
        return encoder_of(_drawn(source))
    return encoder_of(_read(source, download))


def _read(source: str, download: bool) -> Model:
    """Reads a model with its weights; the library's own bars and reports are left out."""
    transformers = need("transformers", extra="hf", purpose=PURPOSE)
    messages = transformers.utils.logging
    level, bars = messages.get_verbosity(), messages.is_progress_bar_enabled()
    messages.set_verbosity_error()
    if not download:
        messages.disable_progress_bar()
    try:
        model, found = transformers.AutoModel.from_pretrained(
            source if download else _folder_of(source),
            local_files_only=not download,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, ImportError) as error:
        where = "on the hub" if download else "in a folder or the cache; `download=True` asks"
        raise ConfigError(f"there is no model {source!r} {where}: {error}") from error
    finally:
        messages.set_verbosity(level)
        if bars:
            messages.enable_progress_bar()
    drawn = sorted(name for name in found["missing_keys"] if not name.startswith(UNREAD))
    if drawn:
        raise ConfigError(
            f"the weights of {source!r} lack {len(drawn)} of the network, such as {drawn[0]}. Are "
            "they those of this model?"
        )
    return model


def _folder_of(source: str) -> str:
    """Returns the folder that is named, or else the folder in the cache of a model of that name.

    By the name transformers 5.23.0 asks the hub for an adapter, where peft is installed, and
    huggingface_hub 2.4.0 for a list, for the headers of a request; although both are told to read
    local files only.

    Raises:
        OSError: there is neither.
    """
    if Path(source).is_dir():
        return source
    hub = need("huggingface_hub", extra="hf", purpose=PURPOSE)
    for file in ("config.json", "adapter_config.json"):
        path = hub.try_to_load_from_cache(source, file)
        if isinstance(path, str):
            return str(Path(path).parent)
    raise OSError("no such folder, and nothing of that name was downloaded")


def described(model: Model) -> dict[str, Any]:
    """Returns the configuration of a model as plain values; `made` draws the same network."""
    return _stripped(json.loads(model.config.to_json_string(use_diff=True)))


def encoder_of(model: Model) -> Model:
    """Returns the part of a model that encodes, without what only its training needs.

    That is the encoder of an encoder and a decoder, and the network below a head. A pooler that
    nothing reads is left out, and the masking of spectra in training: it is an augmentation, and
    refuses short sounds.
    """
    model = model.base_model
    inner = getattr(model, "encoder", None)
    if isinstance(inner, nn.Module) and _takes(inner.forward, model.main_input_name):
        model = inner
    pooler = getattr(model, "pooler", None)
    if isinstance(pooler, nn.Module) and _takes(type(model).__init__, "add_pooling_layer"):
        model.pooler = None
    for option in ("use_cache", "apply_spec_augment"):
        if getattr(model.config, option, False):
            setattr(model.config, option, False)
    return model


def _takes(function: Callable[..., Any], argument: str) -> bool:
    return argument in inspect.signature(function).parameters


def _drawn(config: Mapping[str, Any]) -> Model:
    """Returns a model with weights of its own, by its configuration alone."""
    transformers = need("transformers", extra="hf", purpose=PURPOSE)
    kind, known = config.get("model_type"), transformers.CONFIG_MAPPING
    if kind not in known:
        raise ConfigError(
            f"`model_type` of a configuration must be one of transformers' models; found {kind!r}."
            f"{suggest(str(kind), known)}"
        )
    try:
        made = known[kind].from_dict(_stripped(config))
        return transformers.AutoModel.from_config(
            made, trust_remote_code=False, dtype=torch.float32
        )
    except Exception as error:  # its classes raise all sorts of them on a wrong value
        raise ConfigError(f"transformers cannot make a {kind} of this: {error}") from error


def _stripped(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a configuration without the keys that say nothing about the network's shape."""
    return {
        key: _stripped(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if not str(key).startswith("_") and key not in LEFT_OUT
    }


def preprocessing(source: object) -> dict[str, Any]:
    """Returns the preprocessing that a folder of a model states; empty where it states none."""
    path = Path(source) / "preprocessor_config.json" if isinstance(source, str) else None
    if path is None or not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
    return dict(told) if isinstance(told, dict) else {}
