"""The stand-in refuses what PopTorch refuses, in its words, and keeps device and host apart."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.ipu.standin_models import Does, WithLoss, batch, net


def trained(poptorch, model=None, options=None, optimizer=None, **changes):
    model = model or net()
    optimizer = optimizer or poptorch.optim.SGD(model.parameters(), **{"lr": 0.1, **changes})
    return poptorch.trainingModel(WithLoss(model), options, optimizer)


def compiled(poptorch, function, *inputs, options=None, **buffers):
    return poptorch.inferenceModel(Does(function, **buffers), options)(*(inputs or (torch.ones(2, 4),)))


# Importing


def imported(**variables: str) -> str:
    environment = {"PYTHONPATH": "tests/ipu/standin", "PATH": "/usr/bin:/bin", **variables}
    command = [sys.executable, "-c", "import poptorch"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


def test_importing_asks_for_poptorch_s_version_of_torch():
    if torch.__version__.startswith("2.0.1"):
        assert imported() == ""
    else:
        assert "AssertionError: This version of PopTorch only works with torch==2.0.1" in imported()


def test_importing_without_the_sdk_fails_as_poptorch_does():
    said = imported(POPTORCH_STANDIN_ANY_TORCH="1", POPTORCH_STANDIN_NO_SDK="1")
    assert "Unable to import PopTorch" in said
    assert "libpoplar.so" in said


# Options


def test_options_ask_for_the_right_types(standin):
    options = standin.poptorch.Options()
    with pytest.raises(AssertionError, match="Unexpected type"):
        options.deviceIterations(2.0)
    with pytest.raises(AssertionError):
        options.outputMode("final")
    with pytest.raises(AssertionError, match="EveryN"):
        options.outputMode(standin.poptorch.OutputMode.EveryN)
    with pytest.raises(AssertionError):
        options.randomSeed(1.5)
    with pytest.raises(AssertionError, match="Invalid key"):
        options.setAvailableMemoryProportion({"0": 0.5})
    with pytest.raises(ValueError, match="setPartialsType"):
        options.Precision.setPartialsType("half")
    with pytest.raises(ValueError, match="ReductionType"):
        options.Training.accumulationAndReplicationReductionType(standin.poptorch.ReductionType.NoReduction)
    with pytest.raises(AssertionError, match="Invalid option"):
        options.replicas  # noqa: B018  # asking is what fails
    with pytest.raises(AssertionError, match="even number"):
        options.TensorLocations.numIOTiles(33)


def test_options_freeze_once_they_are_in_use_and_a_clone_does_not(standin):
    poptorch = standin.poptorch
    for use in (poptorch.inferenceModel, trained):
        options = poptorch.Options()
        use(*((poptorch, None, options) if use is trained else (net(), options)))
        for change in (options.deviceIterations, options.Training.gradientAccumulation, options.randomSeed):
            with pytest.raises(AttributeError, match="Can't modify frozen Options"):
                change(2)
        with pytest.raises(AttributeError, match="Can't modify frozen Options"):
            options._Popart.set("autoRecomputation", 3)
        with pytest.raises(AttributeError, match="Can't modify frozen Options"):
            options.device_iterations = 3
        assert options.clone().deviceIterations(3).device_iterations == 3
        assert options.device_iterations == 1


def test_options_read_the_environment(standin, monkeypatch):
    poptorch = standin.poptorch
    monkeypatch.setenv("POPTORCH_CACHE_DIR", "/somewhere")
    monkeypatch.setenv("POPTORCH_DEFAULT_OPTIONS", '{"Training.gradientAccumulation": 4, "deviceIterations": 2}')
    options = poptorch.Options().outputMode(poptorch.OutputMode.All)
    told = options.toDict()
    assert (told["cachePath"], told["gradient_accumulation"], told["device_iterations"]) == ("/somewhere", 4, 2)


def test_options_are_no_dictionary_before_an_output_mode_is_picked(standin):
    with pytest.raises(AssertionError, match="An output mode must be picked"):
        standin.poptorch.Options().toDict()


def test_inherited_variables_of_a_distributed_run_are_refused(standin, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with pytest.raises(standin.poptorch.Error, match="OMPI_COMM_WORLD_SIZE"):
        standin.poptorch.inferenceModel(net(), standin.poptorch.Options())


def test_inference_knows_no_accumulation(standin):
    options = standin.poptorch.Options()
    options.Training.gradientAccumulation(2)
    with pytest.raises(standin.poptorch.Error, match="gradientAccumulation to 1") as caught:
        standin.poptorch.inferenceModel(net(), options)
    assert caught.value.type == "poptorch_py_error"


# Shapes and data


def test_a_call_s_batch_is_cut_into_micro_batches(standin):
    options = standin.poptorch.Options().deviceIterations(2).replicationFactor(2)
    with pytest.raises(AssertionError, match=r"Invalid batch dimension.*\(6\) must be a multiple of"):
        standin.poptorch.inferenceModel(net(), options)(batch(6)[0])


def test_a_compiled_model_takes_the_same_shapes_and_types_alone(standin):
    model = standin.poptorch.inferenceModel(net())
    images = batch(4)[0]
    model(images)
    with pytest.raises(standin.poptorch.Error, match="Shape mismatch for images"):
        model(batch(6)[0])
    with pytest.raises(standin.poptorch.Error, match="Data type mismatch for images"):
        model(images.half())
    with pytest.raises(standin.poptorch.Error, match="Mandatory parameter"):
        model()
    with pytest.raises(AssertionError, match="Too many arguments"):
        model(images, images)


def test_an_argument_that_is_no_tensor_is_part_of_the_program(standin):
    model = standin.poptorch.inferenceModel(Does(lambda _self, x, factor: x * factor))
    assert model(torch.ones(2), 3.0).tolist() == [3.0, 3.0]
    with pytest.raises(standin.poptorch.Error, match="Value mismatch"):
        model(torch.ones(2), 4.0)


def numbered(poptorch, mode, period=None, *, accumulation=1, scalar=False):
    """Return the outputs of 2 iterations × accumulation × 2 replicas × 1 image whose values are 0, 1, 2, ..."""
    options = poptorch.Options().deviceIterations(2).replicationFactor(2).outputMode(mode, period)
    model = Does(lambda _self, x: x.sum() if scalar else x * 1.0)
    return poptorch.inferenceModel(model, options)(torch.arange(4.0 * accumulation)).tolist()


def test_output_modes_keep_what_poptorch_keeps(standin):
    poptorch = standin.poptorch
    mode = poptorch.OutputMode
    assert numbered(poptorch, mode.All) == [0.0, 1.0, 2.0, 3.0]
    assert numbered(poptorch, mode.Final) == [2.0, 3.0]
    assert numbered(poptorch, mode.Sum) == [2.0, 4.0]
    assert numbered(poptorch, mode.EveryN, 2) == [2.0, 3.0]
    assert numbered(poptorch, mode.All, scalar=True) == [0.0, 1.0, 2.0, 3.0]


def test_a_loss_has_a_value_for_each_replica_and_none_of_its_own_where_there_is_one(standin):
    poptorch = standin.poptorch
    images, targets = batch(8)
    assert trained(poptorch)(images, targets).shape == ()
    options = poptorch.Options().replicationFactor(2).outputMode(poptorch.OutputMode.Sum)
    options.Training.gradientAccumulation(2)
    summed = trained(poptorch, options=options)(images, targets)
    with torch.no_grad():
        parts = [functional.cross_entropy(net()(images[i : i + 2]), targets[i : i + 2]) for i in (0, 2, 4, 6)]
    assert torch.allclose(summed, torch.stack([parts[0] + parts[2], parts[1] + parts[3]]))


def test_whole_numbers_come_back_with_32_bits(standin):
    assert compiled(standin.poptorch, lambda _self, x: x.argmax(1)).dtype == torch.int32


def test_double_precision_enters_as_single_and_is_refused_inside(standin):
    poptorch = standin.poptorch
    assert compiled(poptorch, lambda _self, x: x * 2.0, torch.ones(2, 4, dtype=torch.float64)).dtype == torch.float32
    with pytest.raises(poptorch.Error, match=r"torch\.float64"):
        compiled(poptorch, lambda _self, x: x.double())


def test_tensors_without_elements_are_refused(standin):
    with pytest.raises(standin.poptorch.Error, match="Zero-sized"):
        compiled(standin.poptorch, lambda _self, x: x * 2.0, torch.ones(2, 0))
    with pytest.raises(standin.poptorch.Error, match="zero-sized"):
        compiled(standin.poptorch, lambda _self, x: x[:, 4:] * 2.0)


def test_outputs_have_no_backward_pass(standin):
    images, targets = batch(4)
    with pytest.raises(standin.poptorch.Error, match=r"backward\(\) cannot be called explicitly"):
        trained(standin.poptorch)(images, targets).backward()


# What a model may do


@pytest.mark.parametrize(
    "function",
    [
        lambda _self, x: x * x.sum().item(),
        lambda _self, x: x if x.sum() > 0 else -x,
        lambda _self, x: x * float(x.sum()),
        lambda _self, x: x * x.sum().tolist(),
        lambda _self, x: x[x > 0],
    ],
)
def test_a_model_cannot_depend_on_its_data(standin, function):
    with pytest.raises(standin.poptorch.Error):
        compiled(standin.poptorch, function)


def test_an_operation_that_ipus_lack_is_named(standin):
    with pytest.raises(standin.poptorch.Error, match=r"Unsupported operation: aten\.erfinv") as caught:
        compiled(standin.poptorch, lambda _self, x: torch.erfinv(x))
    assert caught.value.type == standin.poptorch.Error.type == "poptorch_cpp_error"


def test_the_smoothed_loss_of_classes_is_refused_as_in_poptorch_s_torch(standin):
    poptorch, (images, targets) = standin.poptorch, batch(4)
    with pytest.raises(poptorch.Error, match="masked_select"):
        compiled(
            poptorch,
            lambda _self, x, y: functional.cross_entropy(x.flatten(1), y, label_smoothing=0.1),
            images,
            targets,
        )


def test_python_runs_once(standin):
    seen = []
    model = standin.poptorch.inferenceModel(Does(lambda _self, x: (seen.append(1), x + len(seen))[1]))
    assert [float(model(torch.zeros(1))) for _ in range(3)] == [1.0, 1.0, 1.0]
    assert len(seen) == 1


def test_a_tensor_of_the_host_is_no_part_of_a_model(standin):
    constant = torch.ones(4)
    for function in (lambda _self, x: x + constant, lambda _self, x: x + torch.ones(4, device="cpu")):
        with pytest.raises(standin.poptorch.Error, match="Expected an IPU tensor"):
            compiled(standin.poptorch, function)
    assert compiled(standin.poptorch, lambda _self, x: x + torch.ones(4, device=x.device)).sum() == 16.0
    assert (
        compiled(
            standin.poptorch, lambda self, x: x + constant.to(x.device) if False else x + self.kept, kept=constant
        ).sum()
        == 16.0
    )


def test_tensors_say_that_they_are_on_an_ipu_while_the_model_is_compiled(standin):
    seen = []
    compiled(
        standin.poptorch, lambda _self, x: (seen.append((x.device.type, standin.poptorch.isRunningOnIpu())), x * 1)[1]
    )
    assert seen == [("ipu", True)]
    assert not standin.poptorch.isRunningOnIpu()


def reassign_parameter(self, x):
    y = x * self.weight
    self.weight = nn.Parameter(self.weight.detach() + 1)
    return y


def reassign_buffer(self, x):
    self.count = self.count + 1
    return x * self.count


def test_parameters_and_buffers_are_changed_in_place_or_not_at_all(standin):
    poptorch = standin.poptorch
    with pytest.raises(poptorch.Error, match="Parameter weight is reassigned"):
        compiled(poptorch, reassign_parameter)
    with pytest.raises(poptorch.Error, match="Buffer count is reassigned"):
        compiled(poptorch, reassign_buffer, count=torch.zeros(()))
    model = poptorch.inferenceModel(Does(lambda self, x: x + self.count.add_(1.0), count=torch.zeros(())))
    assert [float(model(torch.zeros(1))) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert float(model.model.count) == 0.0


def test_changed_buffers_are_not_kept_equal_over_replicas(standin):
    poptorch = standin.poptorch
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten())
    options = poptorch.Options().replicationFactor(2)
    with pytest.raises(poptorch.Error, match="does not support broadcasting buffers"):
        poptorch.inferenceModel(model, options)(batch(4)[0])
    apart = poptorch.inferenceModel(model, options.clone().broadcastBuffers(False))
    images = batch(4)[0]
    apart(images)
    apart.copyWeightsToHost()
    assert torch.allclose(model[0].running_mean, 0.1 * images[:2].mean((0, 2, 3)), atol=1e-6)


# Losses


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda self, x: (x * self.weight).sum(), "Couldn't find a loss in graph!"),
        (
            lambda self, x: (functional.mse_loss(x * self.weight, x), functional.mse_loss(x + self.weight, x)),
            "Multiple",
        ),
        (lambda self, x: functional.mse_loss(x * self.weight, x) * 2.0, "computed from the final loss"),
    ],
)
def test_training_wants_one_final_loss(standin, function, message):
    model = Does(function)
    with pytest.raises(standin.poptorch.Error, match=message):
        standin.poptorch.trainingModel(model)(torch.ones(2, 4))


def test_losses_that_lead_to_a_marked_one_are_no_losses_of_their_own(standin):
    poptorch = standin.poptorch
    total = lambda self, x: poptorch.identity_loss(  # noqa: E731  # one of a model's functions
        functional.mse_loss(x * self.weight, x * 3.0) * 2.0 + functional.l1_loss(x, x), reduction="none"
    )
    model = Does(total)
    executor = poptorch.trainingModel(model, None, poptorch.optim.SGD(model.parameters(), lr=1.0))
    executor(torch.ones(2, 4))
    executor.copyWeightsToHost()
    assert torch.allclose(model.weight, torch.full((4,), 1.0 + 2.0 * 2.0 * 2.0 / 4.0))


def test_a_marked_loss_is_a_scalar_and_reduced_as_told(standin):
    poptorch = standin.poptorch
    with pytest.raises(poptorch.Error, match="must be a scalar"):
        poptorch.trainingModel(Does(lambda self, x: poptorch.identity_loss(x * self.weight, reduction="none")))(
            torch.ones(2, 4)
        )
    with pytest.raises(AssertionError, match="Unsupported reduction"):
        poptorch.identity_loss(torch.ones(()), "average")


# Wrapping and weights


def test_a_module_is_trained_by_one_executor_and_changes_its_class(standin):
    poptorch, model = standin.poptorch, WithLoss(net())
    executor = poptorch.trainingModel(model)
    assert type(model).__name__ == "PoptorchWithLoss"
    with pytest.raises(RuntimeError, match="already been wrapped"):
        poptorch.trainingModel(model)
    executor.destroy()  # nothing was compiled, so nothing is undone
    with pytest.raises(RuntimeError, match="already been wrapped"):
        poptorch.trainingModel(model)
    executor(*batch(4))
    executor.destroy()
    assert type(model) is WithLoss
    poptorch.trainingModel(model)


def test_copies_of_a_wrapped_module_are_of_its_own_class(standin):
    model = WithLoss(net())
    standin.poptorch.trainingModel(model)
    assert type(copy.deepcopy(model)) is WithLoss
    assert type(pickle.loads(pickle.dumps(model))) is WithLoss  # noqa: S301  # made a moment ago


def test_the_host_s_weights_stay_old_until_they_are_asked_for(standin):
    for fetch in ("copyWeightsToHost", "detachFromDevice", "destroy"):
        model = net()
        executor, before = trained(standin.poptorch, model), copy.deepcopy(model.state_dict())
        executor(*batch(4))
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
        getattr(executor, fetch)()
        assert not torch.equal(model.head.weight, before["head.weight"])
        if fetch != "destroy":
            executor.destroy()


def test_changes_on_the_host_reach_the_device_when_they_are_sent(standin):
    model = net()
    executor = standin.poptorch.inferenceModel(model)
    images = batch(2)[0]
    first = executor(images)
    with torch.no_grad():
        model.head.weight.zero_()
    model.load_state_dict(model.state_dict())
    assert torch.equal(executor(images), first)
    executor.copyWeightsToDevice()
    assert torch.equal(executor(images), model.head.bias.detach().expand(2, 5))
    executor.load_state_dict({**model.state_dict(), "head.bias": torch.ones(5)})
    assert torch.equal(executor(images), torch.ones(2, 5))


def test_an_executor_that_is_not_compiled_or_was_destroyed_refuses(standin):
    poptorch, (images, targets) = standin.poptorch, batch(4)
    executor = trained(poptorch)
    for use in (
        executor.copyWeightsToHost,
        executor.copyWeightsToDevice,
        executor.attachToDevice,
        executor.detachFromDevice,
    ):
        with pytest.raises(poptorch.Error, match="Model has not been compiled or has been destroyed"):
            use()
    executor(images, targets)
    executor.destroy()
    with pytest.raises(poptorch.Error, match="has been destroyed"):
        executor(images, targets)


def test_inference_follows_the_training_of_the_very_same_module(standin):
    poptorch, model = standin.poptorch, net()
    wrapped = WithLoss(model)
    training = poptorch.trainingModel(wrapped, None, poptorch.optim.SGD(model.parameters(), lr=0.1))
    inference, images = poptorch.inferenceModel(training), batch(4)
    before = inference(*images)
    training(*images)
    assert not torch.equal(inference(*images), before)


# IPUs


def test_ipus_are_counted_and_held(standin, monkeypatch):
    poptorch, images = standin.poptorch, batch(4)
    monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "1")
    assert [poptorch.ipuHardwareIsAvailable(count) for count in (1, 2, 3)] == [True, False, False]
    one, other = poptorch.inferenceModel(net()), poptorch.inferenceModel(net())
    one(images[0])
    assert one.isAttachedToDevice()
    with pytest.raises(poptorch.Error, match=r"Failed to acquire 1 IPU\(s\)"):
        other(images[0])
    one.detachFromDevice()
    with pytest.raises(poptorch.Error, match="Device is not attached"):
        one.detachFromDevice()
    other(images[0])
    with pytest.raises(poptorch.Error, match=r"Failed to acquire 1 IPU\(s\)"):
        one(images[0])
    del other
    one(images[0])
    with pytest.raises(poptorch.Error, match="Device is already attached"):
        one.attachToDevice()


def test_ipus_are_a_power_of_two_and_no_more_than_there_are(standin, monkeypatch):
    poptorch, images = standin.poptorch, batch(12)[0]
    three = poptorch.Options().replicationFactor(3)
    with pytest.raises(poptorch.Error, match="the use of 3 IPUs"):
        poptorch.inferenceModel(net(), three)(images)
    poptorch.inferenceModel(net(), three.clone().autoRoundNumIPUs(True))(images)
    monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "2")
    with pytest.raises(poptorch.Error, match=r"Failed to acquire 4 IPU\(s\): this system"):
        poptorch.inferenceModel(net(), poptorch.Options().replicationFactor(4))(images)
    monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "0")
    assert not poptorch.ipuHardwareIsAvailable()
    with pytest.raises(AssertionError):
        poptorch.ipuHardwareVersion()


def test_a_program_that_waits_gets_ipus_that_another_gives_back(standin, monkeypatch, tmp_path):
    monkeypatch.setenv("POPTORCH_STANDIN_DEVICES", str(tmp_path))
    monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "1")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import poptorch, sys; held = poptorch._device.acquire(1); print(1, flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    model, images = standin.poptorch.inferenceModel(net()), batch(2)[0]
    with pytest.raises(standin.poptorch.Error, match="Failed to acquire"):
        model(images)
    monkeypatch.setenv("POPTORCH_WAIT_FOR_IPU", "1")
    threading.Timer(0.5, holder.stdin.close).start()
    assert model(images).shape == (2, 5)
    assert holder.wait() == 0
    holder.stdout.close()


def staged(poptorch, stages=2):
    model = net()
    for index, name in enumerate(("norm", "head")[: stages - 1], start=1):
        poptorch.BeginBlock(getattr(model, name), ipu_id=index)
    return model


def test_a_pipeline_is_kept_full(standin):
    poptorch, (images, targets) = standin.poptorch, batch(12)
    options = poptorch.Options()
    options.Training.gradientAccumulation(2)
    with pytest.raises(poptorch.Error, match=r"gradientAccumulation \(2\) must be greater than or equal.*\(3\)"):
        trained(poptorch, staged(poptorch), options)(images, targets)
    options = options.clone()
    options.Training.gradientAccumulation(3)
    executor = trained(poptorch, staged(poptorch), options)
    executor(images, targets)
    assert standin.events("compile")[-1]["ipus"] == 2
    executor.destroy()
    with pytest.raises(poptorch.Error, match=r"deviceIterations \(1\) must be greater than or equal.*\(2\)"):
        poptorch.inferenceModel(staged(poptorch))(images)
    with pytest.raises(poptorch.Error, match="the use of 3 IPUs"):
        poptorch.inferenceModel(staged(poptorch, 3), poptorch.Options().deviceIterations(3))(images)


def test_blocks_name_their_ipu_and_come_once(standin):
    poptorch, model = standin.poptorch, net()
    poptorch.BeginBlock(model.head, "head")
    with pytest.raises(poptorch.Error, match="already been assigned"):
        poptorch.BeginBlock(model.head, ipu_id=1)
    with pytest.raises(AssertionError, match="no IPU was specified for block head"):
        poptorch.inferenceModel(model)(batch(2)[0])
    poptorch.removeBlocks(model)
    poptorch.inferenceModel(model)(batch(2)[0])
    back = net()
    poptorch.BeginBlock(back.norm, ipu_id=1)
    poptorch.BeginBlock(back.head, ipu_id=0)
    with pytest.raises(poptorch.Error, match="comes after stage 1"):
        poptorch.inferenceModel(back, poptorch.Options().deviceIterations(2))(batch(2)[0])


def test_shares_of_memory_are_for_ipus_in_use(standin):
    poptorch, images = standin.poptorch, batch(2)[0]
    with pytest.raises(poptorch.Error, match="IPU1"):
        poptorch.inferenceModel(net(), poptorch.Options().setAvailableMemoryProportion({"IPU1": 0.5}))(images)
    with pytest.raises(poptorch.Error, match="not between 0 and 1"):
        poptorch.inferenceModel(net(), poptorch.Options().setAvailableMemoryProportion({"IPU0": 1.5}))(images)
    poptorch.inferenceModel(net(), poptorch.Options().setAvailableMemoryProportion({"IPU0": 0.5}))(images)


# Faults that a test asks for


def test_a_micro_batch_can_be_too_large(standin, monkeypatch):
    monkeypatch.setenv("POPTORCH_STANDIN_OOM_ABOVE", "2")
    poptorch = standin.poptorch
    with pytest.raises(poptorch.Error, match="Out of memory on tile") as caught:
        poptorch.inferenceModel(net())(batch(4)[0])
    assert caught.value.type.startswith("poplar_")
    poptorch.inferenceModel(net(), poptorch.Options().deviceIterations(2))(batch(4)[0])


def test_runs_fail_as_asked_for(standin, monkeypatch, tmp_path):
    monkeypatch.setenv("POPTORCH_STANDIN_RECOVERABLE", "2:LINK_RESET")
    monkeypatch.setenv("POPTORCH_STANDIN_UNRECOVERABLE", "3")
    poptorch = standin.poptorch
    model, images = poptorch.inferenceModel(net()), batch(2)[0]
    model(images)
    with pytest.raises(poptorch.RecoverableError) as caught:
        model(images)
    assert caught.value.recovery_action == "LINK_RESET"
    with pytest.raises(poptorch.UnrecoverableError):
        model(images)
    poptorch._control._runs = 1
    once = tmp_path / "once"
    once.touch()
    monkeypatch.setenv("POPTORCH_STANDIN_ONCE", str(once))
    model(images)


# What is measured


def test_latencies_are_shortest_longest_and_mean(standin):
    model = standin.poptorch.inferenceModel(net(), standin.poptorch.Options().deviceIterations(4))
    assert model.getLatency() == (0.0, 0.0, 0.0)
    model.compile(batch(8)[0])
    assert model.getLatency() == (0.0, 0.0, 0.0)
    model(batch(8)[0])
    shortest, longest, mean = model.getLatency()
    assert 0.0 < shortest <= mean <= longest
    counters = model.getPerfCounters()
    assert len(counters["input"][0]) == len(counters["output_complete"][0]) == 4


def test_synthetic_data_leaves_nothing_to_look_at(standin):
    model = standin.poptorch.inferenceModel(net(), standin.poptorch.Options().enableSyntheticData(True))
    assert model(batch(2)[0]).isnan().all()
    assert model.getLatency() == (0.0, 0.0, 0.0)


def test_cycles_are_counted_where_asked_for(standin):
    poptorch, images = standin.poptorch, batch(2)[0]
    silent = poptorch.inferenceModel(net())
    silent(images)
    with pytest.raises(poptorch.Error, match="Cycle count logging is disabled"):
        silent.cycleCount()
    counted = poptorch.inferenceModel(net(), poptorch.Options().logCycleCount(True))
    with pytest.raises(poptorch.Error, match="at least once"):
        counted.cycleCount()
    counted(images)
    assert counted.cycleCount() > 0


def test_an_executable_is_found_in_the_cache(standin, monkeypatch, tmp_path):
    monkeypatch.setenv("POPTORCH_STANDIN_COMPILE_SECONDS", "0.3")
    poptorch, images = standin.poptorch, batch(2)[0]
    seconds = []
    for seed in (0, 1):
        model = poptorch.inferenceModel(net(seed), poptorch.Options().enableExecutableCaching(str(tmp_path / "cache")))
        started = time.perf_counter()
        model.compile(images)
        seconds.append(time.perf_counter() - started)
        assert model.compilationTime().total_seconds() <= seconds[-1]
    assert [event["from_cache"] for event in standin.events("compile")] == [False, True]
    assert seconds[0] > 0.3
    assert len(list((tmp_path / "cache").iterdir())) == 1
    poptorch.inferenceModel(net(), model.options.clone().deviceIterations(2)).compile(images)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_connections_are_made_when_they_are_wanted(standin):
    poptorch, images = standin.poptorch, batch(2)[0]
    kinds = poptorch.ConnectionType
    offline = poptorch.inferenceModel(net(), poptorch.Options().connectionType(kinds.Never))
    offline.compile(images)
    assert not offline.isAttachedToDevice()
    with pytest.raises(AssertionError, match="offline device"):
        offline(images)
