# Device syncs per operation along batch operations
# Draw again with: gnuplot syncs_by_batch.gnuplot
# Reads syncs_by_batch.csv, writes syncs_by_batch.svg and syncs_by_batch.png.

data = 'syncs_by_batch.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.1190
set rmargin at screen 0.6360
set tmargin at screen 0.8398
set bmargin at screen 0.1400
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [0.9:281.6]
set xtics ('1' 1.0, '2' 2.0, '4' 4.0, '8' 8.0, '16' 16.0, '32' 32.0, '64' 64.0, '128' 128.0, '256' 256.0)
set xlabel 'batch operations, log scale' noenhanced
set logscale y 10
set yrange [0.00087890625:2.2]
set ytics ('0.00098' 0.0009765625, '0.00391' 0.00390625, '0.016' 0.015625, '0.063' 0.0625, '0.250' 0.25, '1' 1.0)
set ylabel 'Device syncs per operation, log scale' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,543 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,543 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'syncs_by_batch.'.kind
  unset label
  unset object
  set label 1 'Device syncs per operation along batch operations' at screen 0.016, screen 0.9521 left noenhanced font ',22'
  set label 2 '98,304 records · durability each_commit, every_8_commits · memory 256 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.9006 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.6540, screen 0.8140 to screen 0.6760, screen 0.8214 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.6650, screen 0.8177 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'btree-4k sync every 1: 0.00781' at screen 0.6840, screen 0.8177 left noenhanced font ',16'
  set object rectangle from screen 0.6540, screen 0.7698 to screen 0.6760, screen 0.7772 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label '' at screen 0.6650, screen 0.7735 front point pointtype 7 pointsize 1.1 linecolor rgb '#009e73'
  set label 'btree-8k sync every 1: 0.00781' at screen 0.6840, screen 0.7735 left noenhanced font ',16'
  set object rectangle from screen 0.6540, screen 0.7256 to screen 0.6760, screen 0.7330 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label '' at screen 0.6650, screen 0.7293 front point pointtype 7 pointsize 1.1 linecolor rgb '#0072b2'
  set label 'btree-16k sync every 1: 0.00781' at screen 0.6840, screen 0.7293 left noenhanced font ',16'
  set object rectangle from screen 0.6540, screen 0.6814 to screen 0.6760, screen 0.6888 front fillcolor rgb '#ebc9dc' fillstyle solid noborder
  set label '' at screen 0.6650, screen 0.6851 front point pointtype 5 pointsize 1.7 linecolor rgb '#ebc9dc'
  set label 'btree-4k sync every 8: 0.00098' at screen 0.6840, screen 0.6851 left noenhanced font ',16'
  set object rectangle from screen 0.6540, screen 0.6372 to screen 0.6760, screen 0.6446 front fillcolor rgb '#99d8c7' fillstyle solid noborder
  set label '' at screen 0.6650, screen 0.6409 front point pointtype 5 pointsize 1.7 linecolor rgb '#99d8c7'
  set label 'btree-8k sync every 8: 0.00098' at screen 0.6840, screen 0.6409 left noenhanced font ',16'
  set object rectangle from screen 0.6540, screen 0.5930 to screen 0.6760, screen 0.6004 front fillcolor rgb '#99c7e0' fillstyle solid noborder
  set label '' at screen 0.6650, screen 0.5967 front point pointtype 5 pointsize 1.7 linecolor rgb '#99c7e0'
  set label 'btree-16k sync every 8: 0.00098' at screen 0.6840, screen 0.5967 left noenhanced font ',16'
  set object rectangle from screen 0.6540, screen 0.5488 to screen 0.6630, screen 0.5562 front fillcolor rgb '#444444' fillstyle solid noborder
  set object rectangle from screen 0.6670, screen 0.5488 to screen 0.6760, screen 0.5562 front fillcolor rgb '#444444' fillstyle solid noborder
  set label 'model b_tree_copy_on_write_syncs' at screen 0.6840, screen 0.5525 left noenhanced font ',16'
  plot \
    data using (is('btree-4k sync_every_commits=1') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#cc79a7', \
    data using (is('btree-4k sync_every_commits=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7', \
    data using (is('btree-4k sync_every_commits=8') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#ebc9dc', \
    data using (is('btree-4k sync_every_commits=8') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#ebc9dc', \
    data using (is('btree-8k sync_every_commits=1') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#009e73', \
    data using (is('btree-8k sync_every_commits=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#009e73', \
    data using (is('btree-8k sync_every_commits=8') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#99d8c7', \
    data using (is('btree-8k sync_every_commits=8') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#99d8c7', \
    data using (is('btree-16k sync_every_commits=1') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#0072b2', \
    data using (is('btree-16k sync_every_commits=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#0072b2', \
    data using (is('btree-16k sync_every_commits=8') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#99c7e0', \
    data using (is('btree-16k sync_every_commits=8') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#99c7e0'
  unset output
}
