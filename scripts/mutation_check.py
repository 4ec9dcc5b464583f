#!/usr/bin/env python3
"""Puts one deliberate fault after the other into the sources and looks whether a test fails. A fault that no test sees
is a hole in the tests.

  scripts/mutation_check.py [--build DIR] [--list] [NAME...]     NAME: methods, as in `mneme list strategies`

Works on a copy of the sources and builds that, about a minute a fault. Exit code 1 when a fault survives, or when its
line is not found any more.
"""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Method | file below mneme/ | what stands there, once | what is put in its place. Tests of suites that have the method's
# name in theirs are run, and those of WITH.
FAULTS = [
    ("joint", "stream/makers.cpp", "if (contains(train, task->train)) continue;", "if (!train.empty()) continue;"),
    ("cumulative", "stream/makers.cpp", "if (seen.size() > 1) task->train = concatenate(task->train.name(), seen);", ""),
    ("from-scratch", "strategies/from_scratch.hpp", ".from_scratch = !context.first()", ".from_scratch = context.first()"),
    ("separate", "strategies/separate.cpp", "nets_.select(0, learnt->second)", "nets_.select(0, 0)"),
    ("frozen-backbone", "strategies/frozen_backbone.cpp", "if (context.first()) return {};", "return {};"),
    ("ewc", "strategies/quadratic.cpp", "(value[i] - anchor[i])", "(anchor[i] - value[i])"),
    ("ewc", "strategies/quadratic.cpp", "(a * m + f * t) / sum", "(f * m + a * t) / sum"),
    ("si", "importance/path_integral.cpp", "gradient[i] * (before[i] - after[i])", "gradient[i] * (after[i] - before[i])"),
    ("si", "strategies/si.cpp", "if (!whole_loss_) importance.clamp_min_(0);", ""),
    ("mas", "strategies/mas.cpp", 'options_.norm == "squared"', 'options_.norm != "squared"'),
    ("rwalk", "strategies/rwalk.cpp", "normalised(fisher_).add_(normalised(score_))", "normalised(fisher_)"),
    ("rwalk", "strategies/rwalk.cpp", "mul_(1 - options_.alpha)", "mul_(options_.alpha)"),
    ("lwf", "strategies/lwf.cpp", "has_own_heads(context));\n  teacher_.take(context.learner);", "has_own_heads(context));"),
    ("lwf", "strategies/lwf.cpp", "in(grad).masked_fill_(old, 0)", "in(grad).masked_fill_(old.logical_not(), 0)"),
    ("lfl", "strategies/lfl.cpp", "0.5 * static_cast<double>(h.size(1)) : 1.0", "1.0 : 1.0"),
    ("fromp", "strategies/fromp.cpp", "(p * (1 - p)).sum(1)", "(p * p).sum(1)"),
    ("fromp", "strategies/fromp.cpp", "fisher_.add_(fisher)", "fisher"),
    ("er", "strategies/er.cpp", "if (!replay.due(buffer_, context)) return batch;", "if (replay.due(buffer_, context)) return batch;"),
    ("er-ace", "strategies/er_ace.cpp", "loss_over(present, 0, fresh, context)", "loss_over(seen_, 0, fresh, context)"),
    ("er-aml", "strategies/er_aml.cpp", "positive.diagonal().fill_(false);", ""),
    ("mir", "strategies/mir.cpp", "return after - before;", "return before - after;"),
    ("mir", "strategies/mir.cpp", "theta.copy_(kept_);", ""),
    ("gss", "strategies/gss.cpp", "if (host[0].item<float>() >= 0) return;", "if (host[0].item<float>() < 0) return;"),
    ("gss", "strategies/gss.cpp", "return theirs / (theirs + shifted(fresh));", "return shifted(fresh) / (theirs + shifted(fresh));"),
    ("der", "strategies/der.cpp", 'rows.extras.at("logits")) * options_.alpha', 'rows.extras.at("logits")) * 0.0'),
    ("der++", "strategies/der.cpp", "forward_beside(batch, true, context)) * options_.beta", "forward_beside(batch, true, context)) * options_.alpha"),
    ("fdr", "strategies/fdr.cpp", "(p - q).norm(2, 1).mean()", "(p - q).square().sum(1).mean()"),
    ("a-gem", "strategies/a_gem.cpp", "grad.dot(reference).clamp_max_(0)", "grad.dot(reference).clamp_min_(0)"),
    ("gem", "strategies/gem.cpp", "if (task != context.task_id()) tasks.push_back(task);", "tasks.push_back(task);"),
    ("gem", "strategies/gem_dual.cpp", "c_[i] += margin * a_", "c_[i] -= margin * a_"),
    ("gdumb", "strategies/gdumb.cpp", ".epochs = options.epochs, .from_scratch = true", ".epochs = options.epochs, .from_scratch = false"),
    ("icarl", "strategies/icarl.cpp", "at::where(old, (teacher / temperature).sigmoid_(), targets)", "at::where(old, targets, (teacher / temperature).sigmoid_())"),
    ("bic", "strategies/bic.cpp", "kd * lambda + ce * (1 - lambda)", "kd * (1 - lambda) + ce * lambda"),
    ("bic", "strategies/bias_correction.cpp", ".d_b = mean(m - of_label", ".d_b = -mean(m - of_label"),
    ("scr", "strategies/scr.cpp", ".logical_and(self.logical_not()).to(z", ".to(z"),
    ("lucir", "strategies/lucir.cpp", "each.masked_fill(is_old.logical_not(), 0)", "each.masked_fill(is_old, 0)"),
    ("lucir", "strategies/lucir.cpp", "at::where(old_.unsqueeze(1), before, weight)", "at::where(old_.unsqueeze(1), weight, before)"),
    ("cope", "strategies/cope.cpp", "unit_length(value_ * alpha + direction * (1 - alpha))", "unit_length(value_ * (1 - alpha) + direction * alpha)"),
    ("slda", "strategies/slda.cpp", "mul_(1 - shrinkage_)", "mul_(shrinkage_)"),
    ("fetril", "strategies/fetril.cpp", "means_.mean() - now_.mean()", "now_.mean() - means_.mean()"),
    ("dgr", "strategies/dgr.cpp", "weighted_join(std::move(batch), answers_.batch, share(context))", "batch"),
    ("dgr+distill", "strategies/generated.cpp", "current * share + replay * (1 - share)", "current * (1 - share) + replay * share"),
    ("rtf", "strategies/rtf.cpp", "return loss;", "return loss * 0.0;"),
    ("bi-r", "strategies/rtf.cpp", 'learner_ == "bi-r" ? labels : at::Tensor()', "at::Tensor()"),
    ("self-replay", "strategies/self_replay.cpp", "if (context.visibility.labels) labels = recalled.labels;", ""),
    ("self-replay", "strategies/self_replay.cpp", "past_.take(context.learner);", "if (past_.empty()) past_.take(context.learner);"),
    ("generative-classifier", "learners/generative_classifier.cpp", ".sum(1) * -0.5", ".sum(1) * 0.5"),
    ("xdg", "strategies/xdg.cpp", ".ge(off)", ".lt(off)"),
    ("packnet", "strategies/packnet.cpp", "frozen_.hold(free.logical_not_(),", "frozen_.hold(free,"),
    ("packnet", "strategies/packnet.cpp", "scores.sort(std::optional<bool>(true), 0, false)", "scores.sort(std::optional<bool>(true), 0, true)"),
    ("hat", "strategies/hat.cpp", "if (keep_.defined()) grad.mul_(keep_);", ""),
    ("hat", "strategies/hat.cpp", "mul_(options_.s_max / s_)", "mul_(s_ / options_.s_max)"),
    ("pnn", "strategies/pnn.cpp", "columns_of(context.learner).segments(newest_)", "columns_of(context.learner).segments(0)"),
    ("retrain", "unlearning/retrain.cpp", ".from_scratch = true", ".from_scratch = false"),
    ("fine-tune-retained", "unlearning/retrain.cpp", 'stage("fine-tune", data().retain)', 'stage("fine-tune", data().forget)'),
    ("gradient-ascent", "unlearning/gradient_ascent.cpp", ".clamp_max(options_.ceiling).mean().neg();", ".clamp_max(options_.ceiling).mean();"),
    ("grad-diff", "unlearning/gradient_ascent.cpp", "* -options_.gamma", "* options_.gamma"),
    ("random-labels", "unlearning/random_labels.cpp", "at::where(forget, drawn, batch.y())", "at::where(forget, batch.y(), drawn)"),
    ("salun", "unlearning/random_labels.cpp", "grad().mul_(mask_)", "grad().mul_(mask_.logical_not())"),
    ("ssd", "unlearning/ssd.cpp", "on_forget.gt(on_all * alpha)", "on_forget.lt(on_all * alpha)"),
    ("ewc-forget", "unlearning/ewc_forget.cpp", "options_.lambda, arena.grad()", "-options_.lambda, arena.grad()"),
    ("selective-amnesia", "unlearning/selective_amnesia.cpp", "return 2 * options_.lambda /", "return options_.lambda /"),
    ("selective-amnesia", "unlearning/selective_amnesia.cpp", "kept_ = classes_of(data().retain);", "kept_ = classes_of(data().forget);"),
    ("gray-out", "unlearning/gray_out.cpp", "-2 * options_.lambda / n", "2 * options_.lambda / n"),
    ("lgaa", "learners/adversarial.cpp", "along.detach() + lambda * total - distance", "along.detach() + lambda * total + distance"),
    ("lgaa", "learners/lgaa_phases.cpp", "-at::dot(w, net_.critic.forward", "at::dot(w, net_.critic.forward"),
    ("lgaa", "learners/lgaa_phases.cpp", "real.narrow(0, part.first, part.count).zero_();", "{}"),
    ("self-replay", "strategies/self_replay.cpp", "met.index_select(0, recalled.domains)", "at::Tensor()"),
]
# Suites of tests whose names do not begin with the method's.
WITH = {
    "joint": "Stages*", "frozen-backbone": "Backbone*:FrozenNet*", "separate": "*KeepsTasksForEver*",
    "ewc": "MergedQuadratic*", "mas": "Sensitivity*", "rwalk": "RWalk*", "lfl": "Teacher*",
    "er": "Buffer*", "der++": "Der*", "icarl": "NearestMeanScores*:Herding*", "bic": "BiasCorrection*:FitBias*",
    "scr": "ContrastiveLoss*:SecondView*", "lucir": "MarginRanking*", "cope": "PppLoss*:Prototypes*", "slda": "StreamingLda*",
    "dgr": "GeneratedReplay*", "dgr+distill": "Dgr*:GeneratedReplay*:Distillation*", "rtf": "RtfLearner*",
    "bi-r": "BirLearner*:Rtf*", "self-replay": "LifelongReplay*", "packnet": "PackNet*:*KeepsTasksForEver*", "hat": "Gates*",
    "xdg": "Gates*", "pnn": "Progressive*", "fine-tune-retained": "FineTune*", "grad-diff": "GradientAscent*", "salun": "SalUn*",
    "lgaa": "GradientPenalty*:GumbelSoftmax*:UniformKl*",
}


def suites(name):
    """Of the method's own tests, with parameters or without, and of the suite that every strategy goes through."""
    camel = "".join(part.capitalize() for part in name.replace("+", "-").split("-"))
    own = [f"{camel}*", *filter(None, WITH.get(name, "").split(":"))]
    return ":".join([*own, *(f"*/{suite}" for suite in own), f"*EveryStrategy*/{name.replace('-', '_').replace('+', '_')}*"])


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def copy_of_sources(build):
    copy = build / "sources"
    files = run(["git", "ls-files", "-z"], cwd=ROOT).stdout.split("\0")
    for file in filter(None, files):
        source, target = ROOT / file, copy / file
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue  # its time stays, so that nothing is built again
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
    return copy


def build_tests(copy, build, jobs):
    if not (build / "tree" / "build.ninja").exists():
        torch = run(["cmake", f"-DMNEME_TORCH_HINTS={ROOT}/build/_torch/torch", "-P", "cmake/LocateLibTorch.cmake"], cwd=ROOT)
        folder = (torch.stderr + torch.stdout).strip().splitlines()[-1].strip()
        run(["cmake", "-S", copy, "-B", build / "tree", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             f"-DMNEME_TORCH_DIR={folder}", "-DMNEME_BUILD_BENCH=OFF", "-DMNEME_BUILD_EXAMPLES=OFF"], check=True)
    return run(["cmake", "--build", build / "tree", "-j", str(jobs), "--target", "mneme_tests"])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("names", nargs="*", help="methods; none: all")
    arguments.add_argument("--build", type=Path, default=ROOT / "build" / "mutants", help="folder for the copy and its build")
    arguments.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1)))
    arguments.add_argument("--list", action="store_true", help="print the faults, and whether their lines still stand there")
    options = arguments.parse_args()
    faults = [f for f in FAULTS if not options.names or f[0] in options.names]
    unknown = set(options.names) - {f[0] for f in FAULTS}
    if unknown:
        sys.exit(f"no fault for {', '.join(sorted(unknown))}; --list says what there is")
    if options.list:
        gone = 0
        for name, file, old, new in faults:
            count = (ROOT / "mneme" / file).read_text().count(old)
            gone += count != 1
            stands = "" if count == 1 else f"MISSING, stands there {count} times: "
            print(f"{stands}{name:22} {file}: {old}  ->  {new or '(nothing)'}")
        sys.exit(1 if gone else 0)
    copy = copy_of_sources(options.build)
    built = build_tests(copy, options.build, options.jobs)
    if built.returncode != 0:
        sys.exit("the tests do not build:\n" + built.stdout[-2000:])
    bad = 0
    for name, file, old, new in faults:
        path = copy / "mneme" / file
        text = path.read_text()
        if text.count(old) != 1:
            print(f"MISSING   {name}: {file} has this {text.count(old)} times: {old}", flush=True)
            bad += 1
            continue
        path.write_text(text.replace(old, new))
        try:
            built = build_tests(copy, options.build, options.jobs)
            if built.returncode != 0:
                print(f"NO BUILD  {name}: {file}: {new}\n{built.stdout[-600:]}", flush=True)
                bad += 1
                continue
            tests = run([options.build / "tree" / "tests" / "mneme_tests", f"--gtest_filter={suites(name)}", "--gtest_brief=1"],
                        timeout=600)
            failed = [line.split("] ", 1)[1].split(",")[0].split(" (")[0] for line in tests.stdout.splitlines()
                      if line.startswith("[  FAILED  ]") and "." in line]
            caught = tests.returncode != 0
            print(f"{'caught   ' if caught else 'SURVIVED '} {name}: {old[:60]} -> {new[:60] or '(nothing)'}"
                  f"  by {', '.join(dict.fromkeys(failed)) if failed else 'a crash' if caught else 'nothing'}"[:400], flush=True)
            bad += not caught
        finally:
            path.write_text(text)
    print(f"{len(faults) - bad} of {len(faults)} faults caught")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
