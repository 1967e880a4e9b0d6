;; Takes memory until somebody says no.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (loop $more
    (drop (memory.grow (i32.const 16)))
    (br $more))
  unreachable)
